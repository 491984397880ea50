import { describe, expect, test } from 'vitest'
import type { Delivery } from '../../src/delivery/delivery.ts'
import { SERVER_KINDS } from '../support/postgres.ts'
import { waitFor } from '../support/wait.ts'
import { aBench, aDelivery, delivered, failed, SLOT, SUBSCRIBER } from './ledger.ts'
import type { Bench } from './ledger.ts'

describe.each(SERVER_KINDS)('the writer on %s', (kind) => {
  test('stores a delivery with its message, and records the position in the same transaction', async () => {
    const bench = await aBench(kind)
    bench.progress = { lsn: 0x2a0n, readUpto: '0/2A0 0/1 0', open: { [SUBSCRIBER]: { from: null, ids: ['x'] } } }
    bench.writer.store(aDelivery(1))
    await bench.flush()
    expect(await rows(bench)).toEqual([
      { state: 'pending', attempts: 0, row_key: 'public.article:1', commit_lsn: '0/100', lsn: '0/1', replayed: 0 },
    ])
    expect(
      await bench.db.query('select declared_event, headers, convert_from(body, $1) as body from hookd.messages', [
        'UTF8',
      ]),
    ).toEqual([{ declared_event: 'article.changed', headers: ['X-Event', 'ä'], body: '{"n":1}' }])
    expect(await bench.db.query('select lsn::text, read_upto, open from hookd.progress')).toEqual([
      { lsn: '0/2A0', read_upto: '0/2A0 0/1 0', open: { [SUBSCRIBER]: { from: null, ids: ['x'] } } },
    ])
    expect(bench.recorded).toEqual([0x2a0n])
    expect(bench.held).toBe(0)
  })

  test('merges the writes to one delivery between two flushes', async () => {
    const bench = await aBench(kind)
    const delivery = aDelivery(1)
    bench.writer.store(delivery)
    attempt(delivery, (now) => bench.writer.postpone(now, failed(), Date.now() + 5000))
    attempt(delivery, (now) => bench.writer.settle(now, 'delivered', delivered()))
    await bench.flush()
    expect(await rows(bench)).toMatchObject([{ state: 'delivered', attempts: 2 }])
    expect(await bench.db.query('select attempt, status, class from hookd.attempts order by attempt')).toEqual([
      { attempt: 1, status: 500, class: 'status' },
      { attempt: 2, status: 200, class: null },
    ])
    expect(bench.held).toBe(0)
  })

  test('lets a delivery that succeeds at once leave no trace, unless everything is logged', async () => {
    const bench = await aBench(kind)
    attempt(aDelivery(1), (now) => bench.writer.settle({ ...now, tracker: aTracker([]) }, 'delivered', delivered()))
    await bench.flush()
    expect(await rows(bench)).toEqual([])
    const writer = bench.open({ logAll: () => true })
    attempt(aDelivery(2), (now) => writer.settle(now, 'delivered', delivered()))
    await writer.drain(AbortSignal.timeout(5000))
    expect(await rows(bench)).toMatchObject([{ state: 'delivered', attempts: 1 }])
    expect(await bench.db.query('select attempt, status from hookd.attempts')).toEqual([{ attempt: 1, status: 200 }])
  })

  test('settles what it takes before it asks for the position, and names what it leaves for later', async () => {
    const bench = await aBench(kind)
    const settled: string[] = []
    const many = Array.from({ length: 1500 }, (_, at) =>
      aDelivery(at + 1, { tracker: aTracker(settled, String(at + 1)) }),
    )
    const seen: [number, number][] = []
    const writer = bench.open({
      snapshot: (unstored) => {
        seen.push([settled.length, [...unstored].length])
        return { progress: bench.progress, directory: null }
      },
    })
    for (const delivery of many) writer.store(delivery)
    await writer.drain(AbortSignal.timeout(10_000))
    expect(seen).toEqual([
      [1000, 500],
      [1500, 0],
    ])
    expect(await bench.db.query('select count(*)::int as n from hookd.deliveries')).toEqual([{ n: 1500 }])
  })

  test('that another process has fenced off writes nothing', async () => {
    const bench = await aBench(kind)
    await bench.db.query('update hookd.progress set epoch = 2')
    bench.writer.store(aDelivery(1))
    await expect(bench.writer.run(new AbortController().signal)).rejects.toMatchObject({ code: 'HOOKD_FENCED' })
    expect(await rows(bench)).toEqual([])
    expect(bench.recorded).toEqual([])
    bench.writer.touch()
    await expect(bench.flush()).rejects.toMatchObject({ code: 'HOOKD_FENCED' })
  })

  test('outlives the loss of its connection in the middle of a flush', async () => {
    const bench = await aBench(kind)
    const blocker = await bench.db.client()
    await blocker.query('begin; lock table hookd.deliveries in exclusive mode')
    const stop = new AbortController()
    const run = bench.writer.run(stop.signal)
    bench.writer.store(aDelivery(1))
    await waitFor(async () => (await waiting(bench)).length === 1, { what: 'the flush to wait for the lock' })
    await bench.db.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = $1',
      ['Lock'],
    )
    await waitFor(() => bench.failures.length > 0, { what: 'the flush to fail' })
    await blocker.query('commit')
    await bench.writer.flushed()
    expect(await rows(bench)).toMatchObject([{ state: 'pending' }])
    stop.abort()
    await run
    expect(bench.held).toBe(0)
  })

  test('keeps what a flush could not write, and writes it before anything later', async () => {
    const bench = await aBench(kind)
    const blocker = await bench.db.client()
    await blocker.query('begin; lock table hookd.deliveries in exclusive mode')
    const stop = new AbortController()
    const run = bench.writer.run(stop.signal)
    bench.writer.store(aDelivery(1))
    await waitFor(async () => (await waiting(bench)).length === 1, { what: 'the flush to wait for the lock' })
    stop.abort()
    run.catch(() => {}) // it may reject before it is looked at
    await bench.db.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = $1',
      ['Lock'],
    )
    await expect(run).rejects.toThrow('terminat')
    await blocker.query('commit')
    bench.progress = { lsn: 0x900n, readUpto: null, open: {} }
    bench.writer.store(aDelivery(2))
    await bench.flush()
    expect(bench.recorded).toEqual([0x100n, 0x900n])
    expect(await rows(bench)).toHaveLength(2)
  })

  test('drains beside a run that is in the middle of a flush', async () => {
    const bench = await aBench(kind)
    const stop = new AbortController()
    const run = bench.writer.run(stop.signal)
    const delivery = aDelivery(1)
    bench.writer.store(delivery)
    await Promise.resolve()
    attempt(delivery, (now) => bench.writer.settle(now, 'dead', failed()))
    await bench.flush()
    expect(await rows(bench)).toMatchObject([{ state: 'dead', attempts: 1 }])
    expect(bench.writer.isQuiet).toBe(true)
    stop.abort()
    await run
  })

  test('gives up a drain that takes too long', async () => {
    const bench = await aBench(kind)
    const blocker = await bench.db.client()
    await blocker.query('begin; lock table hookd.deliveries in exclusive mode')
    bench.writer.store(aDelivery(1))
    await expect(bench.writer.drain(AbortSignal.timeout(100))).rejects.toThrow(
      'not everything could be written in time',
    )
    await blocker.query('rollback')
  })

  test('storing again after a crash adds nothing and takes nothing back', async () => {
    const bench = await aBench(kind)
    const delivery = aDelivery(1)
    bench.writer.store(delivery)
    attempt(delivery, (now) => bench.writer.postpone(now, failed(), Date.now()))
    await bench.flush()
    const after = await rows(bench)
    bench.writer.store(aDelivery(1))
    await bench.flush()
    expect(await rows(bench)).toEqual(after)
    await bench.db.query(`update hookd.deliveries set state = 'pending', attempts = 0, replayed = 1`)
    const again = aDelivery(1)
    attempt(again, (now) => bench.writer.settle(now, 'dead', failed()))
    await bench.flush()
    expect(await rows(bench)).toMatchObject([{ state: 'pending', attempts: 0, replayed: 1 }])
  })

  test('leaves a delivery alone that was cancelled or replayed meanwhile', async () => {
    const bench = await aBench(kind)
    const delivery = aDelivery(1)
    bench.writer.store(delivery)
    await bench.flush()
    await bench.db.query(`update hookd.deliveries set state = 'cancelled', settled_at = now()`)
    attempt(delivery, (now) => bench.writer.settle(now, 'delivered', delivered()))
    await bench.flush()
    expect(await rows(bench)).toMatchObject([{ state: 'cancelled', attempts: 0 }])
  })

  test('stores what text and jsonb of Postgres refuse', async () => {
    const bench = await aBench(kind)
    bench.writer.store(aDelivery(1, { event: 'a\0b', headers: ['X-A', '\ud800'], key: 'k\0' }))
    const error = { kind: 'filter', table: null, rowKeyJson: null, lsn: null, subscriberId: null }
    bench.writer.error({
      ...error,
      id: '22222222-2222-2222-2222-222222222222',
      event: 'x\0',
      message: `m\0${'y'.repeat(9000)}`,
    })
    await bench.flush()
    expect(bench.failures).toEqual([])
    expect(await bench.db.query('select event, length(message) as length from hookd.errors')).toEqual([
      { event: 'x\ufffd', length: 2000 },
    ])
    expect(bench.held).toBe(0)
  })

  test('records where a redirect pointed, as far as text can hold it', async () => {
    const bench = await aBench(kind)
    const { answer, ...rest } = failed(302)
    const redirect = { ...rest, answer: { ...answer, location: 'http://e.com/\0?\ud800' } as typeof answer }
    attempt(aDelivery(1), (now) => bench.writer.settle(now, 'dead', redirect))
    await bench.flush()
    expect(await bench.db.query('select class, error from hookd.attempts')).toEqual([
      { class: 'redirect_refused', error: 'answered 302; it points to http://e.com/\ufffd?\ufffd' },
    ])
  })

  test('makes a dead letter of what was never tried, without an attempt', async () => {
    const bench = await aBench(kind)
    bench.writer.settle(aDelivery(1), 'dead', {
      ...failed(),
      outcome: { kind: 'dead', reason: 'too large', disable: null },
    })
    await bench.flush()
    expect(await bench.db.query('select state, last_error from hookd.deliveries')).toEqual([
      { state: 'dead', last_error: 'too large' },
    ])
    expect(await bench.db.query('select * from hookd.attempts')).toEqual([])
  })

  test('disables a subscriber as soon as nobody holds its row, and keeps nothing else waiting', async () => {
    const bench = await aBench(kind)
    await bench.db.query(`alter table hookd.subscribers disable trigger user`)
    await bench.db.query(`insert into hookd.subscribers (id, event, url) values ($1, '*', 'https://example.com')`, [
      SUBSCRIBER,
    ])
    const owner = await bench.db.client()
    await owner.query('begin; select * from hookd.subscribers for update')
    const stop = new AbortController()
    const run = bench.writer.run(stop.signal)
    bench.writer.disable(SUBSCRIBER, 'answered 410')
    await waitFor(() => bench.failures.length > 0, { what: 'the update to give up' })
    bench.writer.store(aDelivery(1))
    await bench.writer.flushed()
    await owner.query('commit')
    await waitFor(
      async () => (await bench.db.query('select from hookd.subscribers where disabled_at is not null')).length,
      { what: 'the subscriber to be disabled' },
    )
    expect(await bench.db.query('select disabled_reason from hookd.subscribers')).toEqual([
      { disabled_reason: 'answered 410' },
    ])
    stop.abort()
    await run
  })

  test('disables many subscribers at once, whatever holds up one of them', async () => {
    const bench = await aBench(kind)
    await bench.db.query(`
      alter table hookd.subscribers disable trigger user;
      insert into hookd.subscribers (event, url, label) select '*', 'https://example.com', g from generate_series(1, 1200) g;
      create function keep() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$;
      create trigger keep before update on hookd.subscribers for each row when (old.label = '2') execute function keep()`)
    const owner = await bench.db.client()
    await owner.query(`begin; select * from hookd.subscribers where label = '1' for update`)
    const stop = new AbortController()
    const run = bench.writer.run(stop.signal)
    const ids = await bench.db.query('select id from hookd.subscribers order by label::int desc')
    for (const { id } of ids) bench.writer.disable(id, 'invalid row')
    const enabled = () =>
      bench.db.query('select label from hookd.subscribers where disabled_at is null order by label::int')
    const isDone = async () => (await enabled()).length === 2
    await waitFor(isDone, { what: 'all but two to be disabled' })
    await owner.query('commit')
    await bench.db.query('drop trigger keep on hookd.subscribers')
    await waitFor(async () => (await enabled()).length === 0, { what: 'the two to follow' })
    const writes = await bench.db.query('select count(distinct xmin::text)::int as n from hookd.subscribers')
    expect(writes[0].n).toBeLessThan(1200)
    stop.abort()
    await run
  })

  test('saves the directory along with the position', async () => {
    const bench = await aBench(kind)
    const directory = { saved: new Map([[SUBSCRIBER, { id: SUBSCRIBER, event: '*' }]]), removed: [] as string[] }
    const writer = bench.open({ snapshot: () => ({ progress: bench.progress, directory }) })
    writer.touch()
    await writer.drain(AbortSignal.timeout(5000))
    expect(await bench.db.query('select row from hookd.directory where slot = $1', [SLOT])).toEqual([
      { row: { id: SUBSCRIBER, event: '*' } },
    ])
  })
})

function attempt(delivery: Delivery, write: (delivery: Delivery) => void): void {
  delivery.attempts++
  write(delivery)
}

function aTracker(settled: string[], name = ''): NonNullable<Delivery['tracker']> {
  return { open: () => undefined, settle: () => settled.push(name) }
}

function rows(bench: Bench) {
  return bench.db.query(
    `select state, attempts, row_key, commit_lsn::text, lsn::text, replayed from hookd.deliveries order by commit_lsn, id`,
  )
}

function waiting(bench: Bench) {
  return bench.db.query(
    `select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
  )
}
