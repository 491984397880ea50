import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { backendPid, clientConfig, createPool, replicationConfig, withClient } from '../../src/postgres/connect.ts'
import { explainConnectError } from '../../src/postgres/connect-error.ts'
import { classifyPostgresError } from '../../src/postgres/classify-error.ts'
import { dropSlot } from '../../src/replication/slot.ts'
import { atEnd } from '../support/at-end.ts'
import { createTestSlot, openStream } from '../support/open-stream.ts'
import { createDatabase, type Database, SERVER_KINDS } from '../support/postgres.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'

/** Another address in front of that of the database, with the same name and role. */
function behind(first: string, { url }: Database, query = ''): string {
  return url.replace(/@([^/]*)/, `@${first},$1`) + query
}

const NOWHERE = '127.0.0.1:1'
const PORT = `select current_setting('port') as port`

const refusalOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)

describe.each(SERVER_KINDS)('a URL with several servers, %s', (kind) => {
  test('leads every kind of session to the one that answers', async () => {
    const db = await createDatabase(kind)
    const url = behind(NOWHERE, db)
    const port = new URL(db.url).port
    const pool = createPool(url, { max: 2 })
    atEnd(() => pool.end())
    const both = await Promise.all([pool.query(PORT), pool.query(PORT)])
    expect(both.map(({ rows }) => rows)).toEqual([[{ port }], [{ port }]])
    const sessions = [clientConfig(url), replicationConfig(url)].map((config) =>
      withClient(config, async (client) => ({ ...(await client.query(PORT)).rows[0], pid: await backendPid(client) })),
    )
    expect(await Promise.all(sessions)).toEqual(Array(2).fill({ port, pid: expect.any(Number) }))
  })

  test('leads the stream of a slot there too', async () => {
    const db = await createDatabase(kind)
    const slot = `slot_${db.name}`
    await db.query('create table item (id int primary key, body text)')
    await createTestSlot(db, slot)
    const open = openStream({ ...db, url: behind(NOWHERE, db) }, slot)
    await db.query(`insert into item values (1, 'through')`)
    await open.saw('through')
    await open.stop()
    expect(await dropSlot(await db.client(), slot)).toBe(true)
  })

  test('none of which will do ends in an error that says of each why, without the password', async () => {
    const db = await createDatabase(kind)
    const secret = db.url.replace('postgres@', 'postgres:secret@')
    const url = behind(NOWHERE, { ...db, url: secret }, '?target_session_attrs=standby')
    const error = await refusalOf(withClient(clientConfig(url), backendPid))
    expect(classifyPostgresError(error)).toBe('transient')
    const { port } = new URL(db.url)
    const explained = explainConnectError(error, url) as Error
    expect(explained).toMatchObject({ name: 'HookdError', code: 'HOOKD_DATABASE_UNREACHABLE' })
    expect(explained.message.split('\n')).toEqual([
      'no server of DATABASE_URL fits target_session_attrs=standby:',
      '  127.0.0.1:1: nothing listens there. Start Postgres, or correct host and port in DATABASE_URL.',
      `  127.0.0.1:${port}: it is a primary.`,
    ])
    expect((error as Error).message).toMatch(
      /fits target_session_attrs=standby: 127\.0\.0\.1:1: .*; 127\.0\.0\.1:\d+: it is a/,
    )
    expect((error as Error).message).not.toContain('secret')
  })

  test('whose role may only read is passed under read-write', async () => {
    const db = await createDatabase(kind)
    const options = '?target_session_attrs=read-write&options=-c%20default_transaction_read_only%3Don'
    const error = await refusalOf(withClient(clientConfig(db.url + options), backendPid))
    expect(explainConnectError(error, db.url)).toMatchObject({
      message: expect.stringContaining('its sessions are read-only (default_transaction_read_only)'),
    })
  })
})

test('sessions of a server that does not answer any more are cut when another one is found', async () => {
  const db = await createDatabase(SERVER_KINDS.at(-1)!)
  const port = Number(new URL(db.url).port)
  const [near, far] = [await startProxy(port), await startProxy(port)]
  const addressOf = (proxy: Proxy): string => new URL(proxy.url(db.url)).host
  const url = db.url.replace(/@[^/]*/, `@${addressOf(near)},${addressOf(far)}`)
  const pool = createPool(url)
  atEnd(() => pool.end())
  const stuck = await pool.connect()
  const cut = once(stuck, 'error')
  near.freeze()
  await withClient(clientConfig(url), backendPid)
  expect(await cut).toEqual([expect.any(Error)])
  stuck.release(true)
  near.thaw()
  const stays = await pool.connect()
  expect(stays.port).toBe(Number(addressOf(far).split(':')[1]))
  stays.release()
})
