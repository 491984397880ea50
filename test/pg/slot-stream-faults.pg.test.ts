import { describe, expect, test } from 'vitest'
import { classifyPostgresError } from '../../src/postgres/classify-error.ts'
import { parseLsn } from '../../src/replication/lsn.ts'
import { createTestSlot, openStream, type OpenStream } from '../support/open-stream.ts'
import {
  createDatabase,
  SERVER_KINDS,
  startServer,
  type Database,
  type ServerKind,
  type ServerOptions,
} from '../support/postgres.ts'
import { startProxy } from '../support/proxy.ts'
import { waitFor } from '../support/wait.ts'

async function prepare(kind: ServerKind, options?: ServerOptions) {
  const server = await startServer(kind, options)
  const db = await server.createDatabase()
  await db.query('create table item (id int primary key, body text)')
  await createTestSlot(db, 'hookd')
  return { server, db }
}

/** A slot, named like its database, on the server that all tests share. */
async function prepareShared(kind: ServerKind): Promise<Database> {
  const db = await createDatabase(kind)
  await db.query('create table item (id int primary key, body text)')
  await createTestSlot(db, db.name)
  return db
}

/** A stream over a network that a test can spoil. */
async function throughProxy(kind: ServerKind) {
  const db = await prepareShared(kind)
  const proxy = await startProxy(Number(new URL(db.url).port))
  return { db, proxy, open: openStream(db, db.name, { databaseUrl: proxy.url(db.url), walSenderTimeoutMs: 1000 }) }
}

/** From the first confirmation on the server waits for the next one. */
async function confirmSomething(open: OpenStream): Promise<void> {
  const { walEnd } = await waitFor(() => open.keepalives.at(-1))
  open.stream.confirm(walEnd)
  await open.ticks(2)
}

/** Whether somebody reads the slot that is named like the database. */
async function isActive(db: Database): Promise<boolean> {
  const [row] = await db.query('select active from pg_replication_slots where slot_name = $1', [db.name])
  return row.active
}

const isTransient = (error: unknown) => classifyPostgresError(error, 'replication') === 'transient'

describe.each(SERVER_KINDS)('on %s', (kind) => {
  test('a fast shutdown with everything settled is over at once', async () => {
    const { server, db } = await prepare(kind)
    const confirmAll = { onKeepalive: (walEnd: bigint) => open.stream.confirm(walEnd) }
    const open = openStream(db, 'hookd', { sink: confirmAll })
    await open.ticks(3)
    const started = performance.now()
    await server.stop('fast')
    expect(performance.now() - started).toBeLessThan(2000)
    await expect(open.done).rejects.toSatisfy(isTransient)
  })

  test('a fast shutdown with nothing settled waits for us less than a second', async () => {
    const { server, db } = await prepare(kind)
    const open = openStream(db, 'hookd')
    await confirmSomething(open)
    await db.query(`insert into item values (1, 'unsettled')`)
    await open.saw('unsettled')
    const started = performance.now()
    await server.stop('fast')
    expect(performance.now() - started).toBeLessThan(2000)
    await expect(open.done).rejects.toSatisfy(isTransient)
    expect(open.shutdowns()).toBe(1)
  })

  test('a fast shutdown far ahead of a slow reader does not wait for it to catch up', async () => {
    const { server, db } = await prepare(kind)
    await db.query(`insert into item select i, repeat('x', 1000) from generate_series(1, 30000) i`)
    const slowly = {
      onMessage() {
        const end = performance.now() + 0.2
        while (performance.now() < end);
      },
    }
    const open = openStream(db, 'hookd', { sink: slowly, statusIntervalMs: 300 })
    await waitFor(() => open.messages.length > 1000 && open.stream.leaseValid())
    const started = performance.now()
    await server.stop('fast')
    expect(performance.now() - started).toBeLessThan(2000)
    await expect(open.done).rejects.toSatisfy(isTransient)
    expect(open.commits()).toEqual([])
  })

  test('after a crash of Postgres a start at our own position repeats nothing that the server has forgotten', async () => {
    const { server, db } = await prepare(kind)
    await db.query('checkpoint')
    const open = openStream(db, 'hookd')
    const read = `select confirmed_flush_lsn::text as lsn from pg_replication_slots`
    for (let i = 1; i <= 20; i++) {
      await db.query(`insert into item values (${i}, 'before')`)
      await waitFor(() => open.commits().length === i)
      open.stream.confirm(open.commits().at(-1)!)
      await waitFor(async () => parseLsn((await db.query(read))[0].lsn) === open.commits().at(-1))
    }
    const settled = open.commits().at(-1)!
    await server.stop('immediate')
    await expect(open.done).rejects.toSatisfy(isTransient)
    await server.start()
    expect(parseLsn((await db.query(read))[0].lsn)).toBeLessThan(settled)

    await db.query(`insert into item values (100, 'after')`)
    const again = openStream(db, 'hookd', { startLsn: settled })
    await again.saw('after')
    expect(again.messages.some(({ text }) => text.includes('before'))).toBe(false)
  })

  test('a cut network voids the lease before the server gives the slot away, and both sides let go', async () => {
    const { db, proxy, open } = await throughProxy(kind)
    await open.ticks(3)
    expect(open.stream.leaseValid()).toBe(true)

    proxy.freeze()
    await waitFor(() => !open.stream.leaseValid(), { everyMs: 2, what: 'the lease to end' })
    expect(await isActive(db)).toBe(true)
    await expect(open.done).rejects.toSatisfy(isTransient)
    await waitFor(async () => !(await isActive(db)), { what: 'the slot to be free' })

    proxy.thaw()
    await openStream(db, db.name, { databaseUrl: proxy.url(db.url) }).ticks(1)
  })

  test.each(['up', 'down'] as const)(
    'a network that is cut in one direction (%s) is a cut network',
    async (direction) => {
      const { db, proxy, open } = await throughProxy(kind)
      await open.ticks(3)
      proxy.freeze({ direction })
      await waitFor(() => !open.stream.leaseValid(), { everyMs: 2, what: 'the lease to end' })
      expect(await isActive(db)).toBe(true)
      await expect(open.done).rejects.toSatisfy(isTransient)
      await waitFor(async () => !(await isActive(db)), { what: 'the slot to be free' })
    },
  )

  test('over a slow link a message that takes longer than the timeout arrives, and the connection stands', async () => {
    const { db, proxy, open } = await throughProxy(kind)
    await open.ticks(1)
    await db.query(`insert into item values (1, repeat('x', 400000) || 'the end')`)
    proxy.slow({ bytesPerSecond: 200_000, delayMs: 100 })
    await open.saw('the end')
    await open.ticks(2)
    expect(open.stream.leaseValid()).toBe(true)
  })

  test('a server that stops answering voids the lease and ends the stream', async () => {
    const { server, db } = await prepare(kind)
    const open = openStream(db, 'hookd', { walSenderTimeoutMs: 1000 })
    await open.ticks(3)
    const rows = await db.query(
      `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    )
    const pids = [server.pid!, ...rows.map((row) => row.pid as number)]
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    try {
      await expect(open.done).rejects.toSatisfy(isTransient)
      expect(open.stream.leaseValid()).toBe(false)
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
    await openStream(db, 'hookd').ticks(1)
  })

  test('a process that was stopped does not believe in its lease when it goes on', async () => {
    const db = await prepareShared(kind)
    const open = openStream(db, db.name, { walSenderTimeoutMs: 1000 })
    await open.ticks(3)
    await db.query(`insert into item values (1, 'x')`)
    const end = performance.now() + 1500
    while (performance.now() < end);
    expect(open.stream.leaseValid()).toBe(false)
    await expect(open.done).rejects.toSatisfy(isTransient)
    expect(open.stream.leaseValid()).toBe(false)
  })

  test('a server that gives up nobody for silence hears from us all the same', async () => {
    const db = await createDatabase(kind)
    await createTestSlot(db, `slot_${db.name}`)
    const url = `${db.url}?options=-c%20wal_sender_timeout%3D0`
    const open = openStream({ ...db, url }, `slot_${db.name}`, { walSenderTimeoutMs: 0, statusIntervalMs: 100 })
    await open.ticks(1)
    const heard = async (): Promise<number> => {
      const [row] = await db.query(
        `select extract(epoch from reply_time)::float8 as at from pg_stat_replication join pg_replication_slots
           on active_pid = pid where slot_name = $1`,
        [`slot_${db.name}`],
      )
      return row.at
    }
    const before = await heard()
    await waitFor(async () => (await heard()) > before, { what: 'another status' })
    expect(open.stream.leaseValid()).toBe(true)
  })

  test('a slot that Postgres has invalidated is an error for the operator', async () => {
    const { db } = await prepare(kind, {
      settings: { max_slot_wal_keep_size: '1MB', max_wal_size: '32MB', min_wal_size: '32MB' },
    })
    for (let i = 0; i < 6; i++) {
      await db.query(`insert into item select g, 'x' from generate_series(${i} * 1000 + 1, ${i} * 1000 + 1000) g`)
      await db.query('select pg_switch_wal()')
      await db.query('checkpoint')
    }
    const [{ wal_status: status }] = await db.query('select wal_status from pg_replication_slots')
    expect(status).toBe('lost')
    await expect(openStream(db, 'hookd').done).rejects.toMatchObject({ code: 'HOOKD_SLOT_LOST' })
  })
})

test.runIf(SERVER_KINDS.includes('pg15'))(
  'on pg15 a publication that vanished is an error for the operator',
  async () => {
    const db = await createDatabase('pg15')
    await db.query('create table item (id int primary key, body text)')
    await createTestSlot(db, db.name, 'pgoutput')
    await db.query('drop publication hookd_test')
    await db.query(`insert into item values (1, 'x')`)
    await db.query('create publication hookd_test for all tables')
    await expect(openStream(db, db.name, { plugin: 'pgoutput' }).done).rejects.toMatchObject({
      code: 'HOOKD_PUBLICATION_LOST',
    })
  },
)
