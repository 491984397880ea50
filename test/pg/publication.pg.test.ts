import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { createPool } from '../../src/postgres/connect.ts'
import { dropPublication, ensurePublication, readPublication } from '../../src/replication/publication.ts'
import { watchPublication, type PublicationLack } from '../../src/replication/watch-publication.ts'
import type { LsnRange } from '../../src/replication/start-position.ts'
import { atEnd } from '../support/at-end.ts'
import { openStream } from '../support/open-stream.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { waitFor } from '../support/wait.ts'

const item = { schema: 'public', table: 'item' }
const odd = { schema: 'My "schema"', table: `it's, odd` }

describe.each(SERVER_KINDS)('on %s', (kind) => {
  async function prepare() {
    const db = await createDatabase(kind)
    await db.query('create table item (id int primary key, body text)')
    await db.query(`create schema "My ""schema"""`)
    await db.query(`create table "My ""schema"""."it's, odd" (id int primary key)`)
    return { db, client: await db.client() }
  }

  test('a publication is created, and left alone the second time', async () => {
    const { client } = await prepare()
    const name = `it's "one"`
    const first = await ensurePublication(client, name, [item, odd])
    expect(first.steps).toHaveLength(3)
    expect(first.unlocked).toEqual([])
    expect(await readPublication(client, name)).toEqual({
      allTables: false,
      isComplete: true,
      tables: expect.arrayContaining([
        { ...item, isWhole: true },
        { ...odd, isWhole: true },
      ]),
    })
    expect(await ensurePublication(client, name, [odd, item])).toEqual({ steps: [], unlocked: [] })
  })

  test('only what differs is changed', async () => {
    const { db, client } = await prepare()
    await db.query(`create publication hookd for table item with (publish = 'insert')`)
    await ensurePublication(client, 'hookd', [odd])
    expect(await readPublication(client, 'hookd')).toEqual({
      allTables: false,
      isComplete: true,
      tables: [{ ...odd, isWhole: true }],
    })
  })

  test('row filters and column lists are removed, because they hide changes', async () => {
    const { db, client } = await prepare()
    await db.query(`create publication hookd for table item (id) where (id > 5)`)
    expect((await readPublication(client, 'hookd'))?.tables).toEqual([{ ...item, isWhole: false }])
    await ensurePublication(client, 'hookd', [item])
    expect((await readPublication(client, 'hookd'))?.tables).toEqual([{ ...item, isWhole: true }])
  })

  test('several may create it at once', async () => {
    const { db } = await prepare()
    const clients = await Promise.all([db.client(), db.client(), db.client()])
    await Promise.all(clients.map((client) => ensurePublication(client, 'hookd', [item, odd])))
    expect((await readPublication(clients[0], 'hookd'))?.tables).toHaveLength(2)
  })

  test('a partition is published under its own name, also one that is created later', async () => {
    const { db, client } = await prepare()
    await db.query('create table log (id int, body text) partition by range (id)')
    await db.query('create table log_1 partition of log for values from (0) to (10)')
    await ensurePublication(client, 'hookd_test', [{ schema: 'public', table: 'log' }])
    await db.query(`select pg_create_logical_replication_slot('slot_${db.name}', 'pgoutput')`)
    await db.query('create table log_2 partition of log for values from (10) to (20)')
    await db.query(`insert into log values (1, 'one'), (11, 'eleven')`)
    const open = openStream(db, `slot_${db.name}`, { plugin: 'pgoutput' })
    await open.saw('eleven')
    expect(open.messages.filter(({ text }) => /public\0log_[12]\0/.test(text))).toHaveLength(2)
    expect(await ensurePublication(client, 'hookd_test', [{ schema: 'public', table: 'log' }])).toMatchObject({
      steps: [],
    })
  })

  test('a table is added when its writers are done, so that none of their next changes is missing', async () => {
    const { db, client } = await prepare()
    const writer = await db.client()
    await ensurePublication(client, 'hookd_test', [])
    await db.query(`select pg_create_logical_replication_slot('slot_${db.name}', 'pgoutput')`)
    await writer.query('begin')
    await writer.query(`insert into item values (1, 'early')`)
    const added = ensurePublication(client, 'hookd_test', [item])
    await waitFor(
      async () => (await db.query(`select from pg_locks where mode = 'ShareRowExclusiveLock' and not granted`)).length,
    )
    await writer.query(`insert into item values (2, 'meanwhile')`)
    await writer.query('commit')
    expect((await added).unlocked).toEqual([])
    await writer.query(`insert into item values (3, 'later')`)
    const open = openStream(db, `slot_${db.name}`, { plugin: 'pgoutput' })
    await open.saw('later')
  })

  test('a table whose writers do not end is added all the same, and named', async () => {
    const { db, client } = await prepare()
    const writer = await db.client()
    await writer.query('begin')
    await writer.query(`insert into item values (1, 'open')`)
    expect((await ensurePublication(client, 'hookd', [item])).unlocked).toEqual([item])
    expect((await readPublication(client, 'hookd'))?.tables).toHaveLength(1)
    await writer.query('rollback')
  })

  test('a role that may not is told what to run', async () => {
    const { db } = await prepare()
    const role = `weak_${db.name}`
    await db.query(`create role ${role} login`)
    const url = new URL(db.url)
    url.username = role
    const client = new pg.Client(url.href)
    await client.connect()
    try {
      await expect(ensurePublication(client, 'hookd', [item])).rejects.toMatchObject({
        code: 'HOOKD_PUBLICATION_PRIVILEGE',
        message: expect.stringMatching(
          /CREATE PUBLICATION "hookd" WITH .*; ALTER PUBLICATION "hookd" ADD TABLE ONLY "public"\."item";$/,
        ),
      })
    } finally {
      await client.end()
      await db.query(`drop role ${role}`)
    }
  })

  test('it is dropped once', async () => {
    const { client } = await prepare()
    await ensurePublication(client, 'hookd', [])
    expect(await dropPublication(client, 'hookd')).toBe(true)
    expect(await dropPublication(client, 'hookd')).toBe(false)
  })

  test('the watch reports what is missing, since when, and that it is whole again', async () => {
    const { db, client } = await prepare()
    await ensurePublication(client, 'hookd', [item, odd])
    const reports: { lack: PublicationLack | null; window: LsnRange }[] = []
    const remade: LsnRange[] = []
    let wanted = [item, odd]
    const stop = new AbortController()
    const pool = createPool(db.url)
    const watching = watchPublication(
      pool,
      {
        name: 'hookd',
        tables: () => wanted,
        everyMs: 50,
        onLack: (lack, window) => reports.push({ lack, window }),
        onRemade: (window) => remade.push(window),
      },
      stop.signal,
    )
    atEnd(async () => {
      stop.abort()
      await watching
      await pool.end()
    })
    const next = async (count: number) => {
      await waitFor(() => reports.length >= count)
      return reports[count - 1]!
    }
    await client.query('alter publication hookd drop table item')
    expect((await next(1)).lack).toEqual({ kind: 'tables', tables: [item] })
    await client.query('drop publication hookd')
    const gone = await next(2)
    expect(gone.lack).toEqual({ kind: 'publication' })
    expect(gone.window.from).toBeLessThanOrEqual(gone.window.to)
    expect(gone.window.from).toBeGreaterThan(0n)
    await ensurePublication(client, 'hookd', [item, odd])
    await waitFor(() => reports.at(-1)!.lack === null)

    await client.query('alter publication hookd drop table item')
    await waitFor(() => reports.at(-1)!.lack !== null)
    wanted = [odd] // as after a reload
    await waitFor(() => reports.at(-1)!.lack === null)

    expect(remade).toEqual([])
    const table = `"My ""schema"""."it's, odd"`
    await client.query('begin')
    await client.query(`alter publication hookd drop table ${table}`)
    await client.query(`alter publication hookd add table ${table}`)
    await client.query('commit')
    await waitFor(() => remade.length === 1)
    await client.query('begin; drop publication hookd')
    await ensurePublication(client, 'hookd', [])
    await client.query(`alter publication hookd add table ${table}`)
    await client.query('commit')
    await waitFor(() => remade.length === 2)
    expect(remade[0]!.from).toBeLessThan(remade[1]!.to)
    expect(reports.at(-1)!.lack).toBe(null)
  })
})
