import { describe, expect, test } from 'vitest'
import { HookdError } from '../../src/errors.ts'
import { classifyPostgresError } from '../../src/postgres/classify-error.ts'
import { formatLsn, parseLsn } from '../../src/replication/lsn.ts'
import { readSlot } from '../../src/replication/slot.ts'
import { atEnd } from '../support/at-end.ts'
import { createTestSlot, openStream, STREAMS } from '../support/open-stream.ts'
import {
  createDatabase,
  pluginOf,
  SERVER_KINDS,
  type Database,
  type Plugin,
  type ServerKind,
} from '../support/postgres.ts'
import { waitFor } from '../support/wait.ts'

const streams = STREAMS.filter(([kind]) => SERVER_KINDS.includes(kind))

/** What concerns the connection alone is the same for every plugin on one server. */
const connections = SERVER_KINDS.map((kind) => [kind, pluginOf(kind)] as const)

async function prepare(kind: ServerKind, plugin: Plugin): Promise<{ db: Database; slot: string }> {
  const db = await createDatabase(kind)
  await db.query('create table item (id int primary key, body text)')
  const slot = `slot_${db.name}`
  await createTestSlot(db, slot, plugin)
  return { db, slot }
}

async function confirmedFlush(db: Database, slot: string): Promise<bigint> {
  const [row] = await db.query(
    'select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1',
    [slot],
  )
  return parseLsn(row.lsn)
}

async function walsenders(db: Database, slot: string): Promise<number[]> {
  const rows = await db.query('select active_pid from pg_replication_slots where slot_name = $1 and active', [slot])
  return rows.map((row) => row.active_pid)
}

describe.each(streams)('on %s with %s', (kind, plugin) => {
  test('what is not confirmed stays unconfirmed, however much was received and however long it takes', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const before = await confirmedFlush(db, slot)
    const open = openStream(db, slot, { plugin })
    await db.query(`insert into item values (1, 'one')`)
    await open.saw('one')
    await open.ticks(10)
    await open.stop()
    expect(await confirmedFlush(db, slot)).toBe(before)
  })

  test('exactly the end of a transaction is confirmed, so that the one right behind it is not skipped', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const client = await db.client()
    for (let round = 0; round < 10; round++) {
      const first = openStream(db, slot, { plugin })
      await client.query(`insert into item values (${round * 2}, 'first ${round}')`)
      await client.query(`insert into item values (${round * 2 + 1}, 'second ${round}')`)
      await first.saw(`second ${round}`)
      await waitFor(() => first.commits().length >= 2)
      const [endLsn, next] = first.commits().slice(-2)
      first.stream.confirm(endLsn!)
      await first.stop()
      expect(formatLsn(await confirmedFlush(db, slot))).toBe(formatLsn(endLsn!))

      const second = openStream(db, slot, { plugin })
      await second.saw(`second ${round}`)
      expect(second.messages.some(({ text }) => text.includes(`first ${round}`))).toBe(false)
      await waitFor(() => second.commits().length > 0)
      expect(second.commits()[0]).toBe(next)
      second.stream.confirm(second.commits()[0]!)
      await second.stop()
    }
  })

  test('what was received but not confirmed comes again after a reconnection', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const first = openStream(db, slot, { plugin })
    await db.query(`insert into item values (1, 'again')`)
    await first.saw('again')
    await waitFor(() => first.commits().length > 0)
    await first.stop()
    const second = openStream(db, slot, { plugin })
    await second.saw('again')
    await waitFor(() => second.commits().length > 0)
    expect(second.commits()[0]).toBe(first.commits()[0])
  })

  test('a start behind the position of the slot skips what lies before it', async () => {
    const { db, slot } = await prepare(kind, plugin)
    await db.query(`insert into item values (1, 'settled')`)
    const [{ lsn }] = await db.query('select pg_current_wal_lsn()::text as lsn')
    await db.query(`insert into item values (2, 'fresh')`)
    const open = openStream(db, slot, { plugin, startLsn: parseLsn(lsn) })
    await open.saw('fresh')
    expect(open.messages.some(({ text }) => text.includes('settled'))).toBe(false)
  })

  test('the end of the WAL is reported where nothing concerns the slot, and can be confirmed', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const other = await createDatabase(kind)
    const open = openStream(db, slot, { plugin })
    await open.ticks(1)
    await other.query('create table noise as select generate_series(1, 1000) as x')
    const [{ lsn }] = await other.query('select pg_current_wal_flush_lsn()::text as lsn')
    const keepalive = await waitFor(() => open.keepalives.find(({ walEnd }) => walEnd >= parseLsn(lsn)))
    open.stream.confirm(keepalive.walEnd)
    await waitFor(async () => (await confirmedFlush(db, slot)) >= keepalive.walEnd, { what: 'the confirmation' })
    expect(await confirmedFlush(db, slot)).toBe(keepalive.walEnd)
  })

  test('a sink that throws ends the stream with its error and takes no more messages', async () => {
    const { db, slot } = await prepare(kind, plugin)
    let calls = 0
    const onMessage = () => {
      calls += 1
      throw new Error('cannot read this')
    }
    const open = openStream(db, slot, { plugin, sink: { onMessage } })
    await db.query(`insert into item values (1, 'one'), (2, 'two')`)
    await expect(open.done).rejects.toThrow('cannot read this')
    expect(calls).toBe(1)
    await waitFor(async () => (await walsenders(db, slot)).length === 0, { what: 'the slot to be free' })
  })

  test('a slot in use is reported with the process that has it', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const holder = openStream(db, slot, { plugin })
    await holder.ticks(1)
    const [holderPid] = await walsenders(db, slot)
    const other = openStream(db, slot, { plugin })
    await expect(other.done).rejects.toMatchObject({ name: 'SlotActiveError', code: '55006', holderPid })
    expect(other.stream.leaseValid()).toBe(false)
    await holder.stop()
    const successor = openStream(db, slot, { plugin })
    await successor.ticks(1)
  })

  test('a slot that is gone is an error for the operator', async () => {
    const { db, slot } = await prepare(kind, plugin)
    await db.query('select pg_drop_replication_slot($1)', [slot])
    const open = openStream(db, slot, { plugin, startLsn: 0x16b374d848n })
    await expect(open.done).rejects.toThrow(HookdError)
    await expect(open.done).rejects.toMatchObject({
      code: 'HOOKD_SLOT_LOST',
      message: expect.stringMatching(/does not exist.*16\/B374D848 are lost.*hookd run --accept-gap/s),
    })
  })

  test('an abort confirms what was confirmed last and frees the slot at once', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin })
    await db.query(`insert into item values (1, 'one')`)
    await waitFor(() => open.commits().length > 0)
    const started = performance.now()
    open.stream.confirm(open.commits()[0]!)
    await open.stop()
    expect(performance.now() - started).toBeLessThan(300)
    expect(await confirmedFlush(db, slot)).toBe(open.commits()[0])
    expect(open.stream.leaseValid()).toBe(false)
    expect(await walsenders(db, slot)).toEqual([])
  })

  test('a position that the server has not sent cannot be confirmed', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin })
    await db.query(`insert into item values (1, 'one')`)
    await waitFor(() => open.commits().length > 0)
    expect(() => open.stream.confirm(open.stream.received + 1n)).toThrow('cannot be confirmed')
    expect(open.stream.received).toBeGreaterThanOrEqual(open.commits()[0]!)
  })

  test('after the order to stop delivering the slot is kept and confirmed, but nothing is reported', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin })
    await db.query(`insert into item values (1, 'one')`)
    await waitFor(() => open.commits().length > 0)
    open.stream.stopDelivering()
    const keepalives = open.keepalives.length
    await db.query(`insert into item values (2, 'two')`)
    await open.ticks(3)
    open.stream.confirm(open.commits()[0]!)
    await waitFor(async () => (await confirmedFlush(db, slot)) === open.commits()[0])
    expect(open.stream.leaseValid()).toBe(true)
    expect(open.keepalives.length).toBe(keepalives)
    expect(open.messages.some(({ text }) => text.includes('two'))).toBe(false)
  })

  test('tables and publications may have any name', async () => {
    const db = await createDatabase(kind)
    await db.query(`create schema "My ""schema"", x"`)
    await db.query(`create table "My ""schema"", x"."it's, a.t*b\\le" (id int primary key, body text)`)
    await db.query(`create table unwanted (id int primary key, body text)`)
    if (plugin === 'pgoutput') {
      await db.query(`create publication "it's ""one"", two" for table "My ""schema"", x"."it's, a.t*b\\le"`)
    }
    const slot = `slot_${db.name}`
    await db.query('select pg_create_logical_replication_slot($1, $2)', [slot, plugin])
    const open = openStream(db, slot, {
      plugin,
      tables: [{ schema: 'My "schema", x', table: `it's, a.t*b\\le` }],
      publication: `it's "one", two`,
    })
    await db.query(`insert into unwanted values (1, 'unwanted')`)
    await db.query(`insert into "My ""schema"", x"."it's, a.t*b\\le" values (1, 'wanted')`)
    await open.saw(`'wanted'`.slice(1, -1))
    expect(open.messages.filter(({ text }) => text.includes('unwanted'))).toEqual([])
  })

  test('the session prints values in the forms that hookd expects, whatever the server is set to', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin })
    await db.query(`insert into item values (1, 'x')`)
    await db.query(`create table forms (at timestamptz, span interval, float float8, bytes bytea)`)
    await db.query(`insert into forms values ('2026-01-13 23:12:52+00', '1 day 2 hours', 0.1, '\\xdead')`)
    await open.saw('2026-01-13 23:12:52+00')
    await open.saw('1 day 02:00:00')
    await open.saw('dead')
    expect(open.messages.some(({ text }) => text.includes('0.10000000000000001'))).toBe(false)
  })

  test('the slot is reported with what the operator wants to know', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin })
    await open.ticks(1)
    expect(open.slots.at(-1)).toMatchObject({ name: slot, plugin, database: db.name, walStatus: 'reserved' })
    const client = await db.client()
    expect(await readSlot(client, 'no_such_slot')).toBeNull()
  })
})

describe.each(connections)('a connection to %s with %s', (kind, plugin) => {
  test('an idle connection outlives the timeout of the server several times over', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin, walSenderTimeoutMs: 1000, statusIntervalMs: 300 })
    await open.ticks(1)
    const [pid] = await walsenders(db, slot)
    await open.ticks(12)
    expect(await walsenders(db, slot)).toEqual([pid])
    expect(open.keepalives.every(({ isAsked }) => !isAsked)).toBe(true)
  })

  test('a paused connection outlives the timeout of the server while there is little to send', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin, walSenderTimeoutMs: 1000, statusIntervalMs: 300 })
    await open.ticks(1)
    const [pid] = await walsenders(db, slot)
    open.stream.pause()
    await db.query(`insert into item values (1, 'late')`)
    await open.ticks(8)
    expect(open.messages).toEqual([])
    open.stream.resume()
    await open.saw('late')
    expect(await walsenders(db, slot)).toEqual([pid])
  })

  test('a message of 30 MB arrives whole, and the connection stands afterwards', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin, walSenderTimeoutMs: 10_000 })
    await open.ticks(1)
    const [pid] = await walsenders(db, slot)
    await db.query(`insert into item values (1, repeat('x', 30000000) || 'end')`)
    await open.saw('xend')
    await open.ticks(1)
    expect(await walsenders(db, slot)).toEqual([pid])
  })

  test('a sink that is slower than the server leaves room for timers, and so keeps its connection and its lease', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const count = { seen: 0, withoutLease: 0 }
    const onMessage = (): void => {
      const end = performance.now() + 0.2
      count.seen += 1
      if (!open.stream.leaseValid()) count.withoutLease += 1
      while (performance.now() < end);
    }
    const open = openStream(db, slot, { plugin, sink: { onMessage }, walSenderTimeoutMs: 10_000 })
    await open.ticks(1)
    const [pid] = await walsenders(db, slot)
    let [longestMs, last] = [0, performance.now()]
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - last)
      last = performance.now()
    }, 10)
    atEnd(async () => clearInterval(timer))
    await db.query(`insert into item select i, 'x' from generate_series(1, 12000) i`)
    await db.query(`insert into item values (0, 'end')`)
    await open.saw('end')
    expect(longestMs).toBeLessThan(1500)
    expect(await walsenders(db, slot)).toEqual([pid])
    expect(count.seen).toBeGreaterThanOrEqual(12_001)
    expect(count.withoutLease).toBeLessThan(1200)
  })

  test('pausing and resuming all the time loses nothing and changes no order', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const seen: number[] = []
    const sink = {
      onMessage(message: Buffer) {
        const match = /<(\d+)>/.exec(message.toString('latin1'))
        if (!match) return
        if (seen.push(Number(match[1])) % 1000 > 0) return
        open.stream.pause()
        setTimeout(() => open.stream.resume(), 1)
      },
    }
    const open = openStream(db, slot, { plugin, sink })
    await db.query(`insert into item select i, '<' || i || '>' from generate_series(1, 20000) i`)
    await waitFor(() => seen.length >= 20_000, { timeoutMs: 20_000, what: '20000 rows' })
    expect(seen).toEqual(Array.from({ length: 20_000 }, (_, i) => i + 1))
  })

  test('a client that takes nothing holds up neither the slot nor a checkpoint for long', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin, walSenderTimeoutMs: 1000 })
    await open.ticks(1)
    open.stream.pause()
    await db.query(`insert into item select i, repeat(md5(i::text), 100) from generate_series(1, 10000) i`)
    await expect(open.done).rejects.toSatisfy((error) => classifyPostgresError(error) === 'transient')
    await waitFor(async () => (await walsenders(db, slot)).length === 0, {
      timeoutMs: 2500,
      what: 'the slot to be free',
    })
    await db.query('checkpoint')
  })

  test('a stream that stays paused ends by itself', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin, walSenderTimeoutMs: 1000 })
    await open.ticks(1)
    open.stream.pause()
    await expect(open.done).rejects.toThrow('reading was paused for 5000 ms')
    await waitFor(async () => (await walsenders(db, slot)).length === 0, { what: 'the slot to be free' })
  })

  test('status updates and keepalives do not answer each other for ever', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin, statusIntervalMs: 100 })
    await open.ticks(10)
    expect(open.keepalives.length).toBeLessThan(1000) // ping-pong makes thousands a second
  })

  test('an abort in the middle of a large transaction does not wait for its end', async () => {
    const { db, slot } = await prepare(kind, plugin)
    await db.query(`insert into item select i, repeat(md5(i::text), 10) from generate_series(1, 60000) i`)
    const open = openStream(db, slot, { plugin })
    await waitFor(() => open.messages.length > 100)
    await open.stop()
    expect(open.messages.length).toBeLessThan(60_000)
  })

  test('an abort before the connection stands ends it', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin })
    await open.stop()
    expect(open.messages).toEqual([])
  })

  test('a terminated walsender is transient, and the lease is gone with it', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin })
    await open.ticks(1)
    expect(open.stream.leaseValid()).toBe(true)
    await db.query('select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1', [slot])
    await expect(open.done).rejects.toSatisfy((error) => classifyPostgresError(error, 'replication') === 'transient')
    expect(open.stream.leaseValid()).toBe(false)
  })

  test('a broken watch connection is replaced without anybody noticing', async () => {
    const { db, slot } = await prepare(kind, plugin)
    const open = openStream(db, slot, { plugin })
    await open.ticks(1)
    await db.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'hookd' and backend_type = 'client backend' and datname = current_database()`,
    )
    await open.ticks(3)
    expect(open.stream.leaseValid()).toBe(true)
  })
})
