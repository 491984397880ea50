import { beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { refusalOf } from '../support/subscribers.ts'

describe.each(SERVER_KINDS)('hookd.emit() on %s', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
    await db.query(`create publication hookd_test`)
    await db.query('select pg_create_logical_replication_slot($1, $2)', [db.name, db.plugin])
    await db.query(
      `insert into hookd.events (name, manual, enabled, table_name)
       values ('user.logged_in', true, true, null), ('user.off', true, false, null), ('article.created', false, true, 'public.article')`,
    )
  })

  /** What a reader of the slot gets, as text that holds the messages' contents verbatim. */
  async function streamed(): Promise<string> {
    const options =
      kind === 'pg15'
        ? `'format-version', '2'`
        : `'proto_version', '1', 'publication_names', 'hookd_test', 'messages', 'true'`
    const rows = await db.query(
      `select encode(data, 'escape') as text from pg_logical_slot_get_binary_changes($1, null, null, ${options})`,
      [db.name],
    )
    return rows.map((row) => row.text.replaceAll(/\\+"/g, '"')).join('\n')
  }

  test('writes one message into the WAL and returns its LSN', async () => {
    const [{ lsn }] = await db.query(
      `select hookd.emit('user.logged_in', '{"id": 7}', ref => 'https://example.com/7', sender => '"joe"', owner => 'u1') as lsn`,
    )
    expect(lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/)
    const text = await streamed()
    const [content] = /\{"ref".*?\}(?="|$)/m.exec(text) ?? []
    expect(JSON.parse(content ?? '')).toEqual({
      event: 'user.logged_in',
      data: { id: 7 },
      ref: 'https://example.com/7',
      sender: 'joe',
      owner: 'u1',
    })
  })

  test('sends nothing where the transaction rolls back', async () => {
    const client = await db.client()
    await client.query('begin')
    await client.query(`select hookd.emit('user.logged_in', '{"marker": "rolled back"}')`)
    await client.query('rollback')
    await client.query(`begin; savepoint s`)
    await client.query(`select hookd.emit('user.logged_in', '{"marker": "undone"}')`)
    await client.query(`rollback to s; select hookd.emit('user.logged_in', '{"marker": "kept"}'); commit`)
    const text = await streamed()
    expect(text).not.toContain('rolled back')
    expect(text).not.toContain('undone')
    expect(text.match(/kept/g)).toHaveLength(1)
  })

  test('keeps every digit', async () => {
    await db.query(`select hookd.emit('user.logged_in', '{"n": 12345678901234567890.10}')`)
    expect(await streamed()).toContain('12345678901234567890.10')
  })

  test.each([
    [
      `'user.loggedin'`,
      'invalid event "user.loggedin": no event of that name is declared',
      'Nearest: "user.logged_in", "user.off". Declare others in hookd.yaml with "manual: true", and start or reload hookd.',
    ],
    [
      `null`,
      'invalid event "": no event of that name is declared',
      'Nearest: "user.logged_in", "user.off". Declare others in hookd.yaml with "manual: true", and start or reload hookd.',
    ],
    [
      `'article.created'`,
      'event "article.created" reports changes of public.article and cannot be emitted',
      'Declare another event in hookd.yaml with "manual: true".',
    ],
    [`'user.off'`, 'event "user.off" is disabled', 'Remove "enabled: false" from it in hookd.yaml, and reload hookd.'],
    ...[`'[]'`, `'"x"'`, 'null'].map((data) => [
      `'user.logged_in', ${data}`,
      'the data of event "user.logged_in" is not a JSON object',
      `Write hookd.emit('user.logged_in', jsonb_build_object('id', 1)).`,
    ]),
  ])('refuses %s', async (parameters, message, hint) => {
    const refusal = await refusalOf(db.query(`select hookd.emit(${parameters})`))
    expect(refusal).toMatchObject({ code: '22023', message, hint })
  })

  test('says how to declare the first manual event', async () => {
    const empty = await createMigratedDatabase(kind)
    expect((await refusalOf(empty.query(`select hookd.emit('user.logged_in')`))).hint).toBe(
      'Declare it in hookd.yaml with "manual: true", and start or reload hookd.',
    )
  })
})
