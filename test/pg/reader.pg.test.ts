import { describe, expect, test } from 'vitest'
import { SERVER_KINDS } from '../support/postgres.ts'
import { aBench, aDelivery, failed, SUBSCRIBER } from './ledger.ts'
import type { Bench, Shape } from './ledger.ts'

const OTHER = '33333333-3333-3333-3333-333333333333'

describe.each(SERVER_KINDS)('the reader on %s', (kind) => {
  test('gives a delivery back as it was stored', async () => {
    const bench = await aBench(kind)
    const stored = aDelivery(1, { oldKey: 'public.article:0' })
    bench.writer.store(stored)
    await bench.flush()
    const page = await fresh(bench)
    const { receivedAt: _, ...rest } = stored
    expect(page.deliveries[0]!.delivery).toMatchObject({
      ...rest,
      message: { ...stored.message, rowKeyJson: '{"id": 9007199254740993}' },
    })
    expect(page.isLast).toBe(true)
  })

  test('pages in the order of commit, change and ordinal', async () => {
    const bench = await aBench(kind)
    const places: [bigint, string, number][] = [
      [0x100n, '0/9', 0],
      [0x100n, '0/A', 0],
      [0x100n, '0/A', 1],
      [0x100n, '0/A', 10],
      [0x100n, '1/0', 0],
      [0xfff00000000n, '0/1', 0],
    ]
    const deliveries = places.map(([commitLsn, lsn, ordinal], at) => aDelivery(at, { commitLsn, lsn, ordinal }))
    for (const delivery of deliveries.toReversed()) bench.writer.store(delivery)
    await bench.flush()
    const first = await fresh(bench, { limit: 4 })
    const second = await fresh(bench, { limit: 4, after: first.deliveries.at(-1)!.cursor })
    const ids = [...first.deliveries, ...second.deliveries].map(({ delivery }) => delivery.id)
    expect(ids).toEqual(deliveries.map(({ id }) => id))
    expect([first.isLast, second.isLast]).toEqual([false, true])
  })

  test('gives the events of one change in the order of their names, byte by byte, whatever their ids are', async () => {
    const bench = await aBench(kind)
    const names = ['a.Z', 'a.a', 'a.{Ä}', 'a_b', 'aa'] // by language 'a.a' would come before 'a.Z'
    const change = { commitLsn: 0x100n, lsn: '0/1' }
    const named = names.map((declaredEvent, at) => aDelivery(at, { ...change, declaredEvent, id: idOf(9 - at) }))
    for (const delivery of named) bench.writer.store(delivery)
    await bench.flush()
    expect(await namesByPage(bench, 2)).toEqual(names)
    await bench.db.query(`update hookd.deliveries set attempts = 1, next_attempt_at = '2020-01-01'`)
    const due = await bench.reader.readDue(SUBSCRIBER, 1)
    expect(due.deliveries.map(({ message }) => message.declaredEvent)).toEqual(names)
  })

  test('finds what a hookd stored that did not write the name of the event, wherever a page ends', async () => {
    const bench = await aBench(kind)
    const change = { commitLsn: 0x100n, lsn: '0/1' }
    const names = ['a.one', 'a.two', 'b.one', 'b.two']
    const named = names.map((declaredEvent, at) => aDelivery(at, { ...change, declaredEvent, id: idOf(at) }))
    for (const delivery of named) bench.writer.store(delivery)
    await bench.flush()
    await bench.db.query(`update hookd.deliveries set declared_event = default where declared_event like 'b%'`)
    expect(await namesByPage(bench, 1)).toEqual(['b.one', 'b.two', 'a.one', 'a.two'])
  })

  test('leaves parked keys, attempted and other subscribers out, but no change that moved a row', async () => {
    const bench = await aBench(kind)
    const shapes: Shape[] = [
      { key: 'a' },
      { key: 'b' },
      { key: 'a', oldKey: 'c' },
      { key: 'd' },
      { subscriberId: OTHER },
    ]
    const deliveries = shapes.map((shape, at) => aDelivery(at + 1, shape))
    for (const delivery of deliveries) bench.writer.store(delivery)
    deliveries[3]!.attempts = 1
    bench.writer.postpone(deliveries[3]!, failed(), Date.now() + 60_000)
    await bench.flush()
    const page = await fresh(bench, { without: ['a'] })
    expect(page.deliveries.map(({ delivery }) => delivery.id)).toEqual([deliveries[1]!.id, deliveries[2]!.id])
  })

  test('keeps a page within its bytes, and never empty', async () => {
    const bench = await aBench(kind)
    const big = Buffer.alloc(1_500_000, 'x')
    for (const n of [1, 2, 3]) bench.writer.store(aDelivery(n, { body: big }))
    bench.writer.store(aDelivery(4, { body: Buffer.alloc(3_000_000, 'x') }))
    await bench.flush()
    const sizes: number[] = []
    let page = await fresh(bench)
    for (; !page.isLast; page = await fresh(bench, { after: page.deliveries.at(-1)!.cursor }))
      sizes.push(page.deliveries.length)
    expect([...sizes, page.deliveries.length]).toEqual([1, 1, 1, 1])
  })

  test('says apart which deliveries have lost their bodies', async () => {
    const bench = await aBench(kind)
    for (const n of [1, 2]) bench.writer.store(aDelivery(n))
    await bench.flush()
    await bench.db.query(`delete from hookd.messages where id = 'msg_2'`)
    const page = await fresh(bench, { limit: 2 })
    expect(page.deliveries.map(({ delivery }) => delivery.message.id)).toEqual(['msg_1'])
    expect(page.bodiless.map(({ message }) => message.id)).toEqual(['msg_2'])
    expect(page.isLast).toBe(false)
  })

  test('reads what is due, the longest due first, and tells when the next one is', async () => {
    const bench = await aBench(kind)
    const now = Date.now()
    const dueAtMs = [now - 1000, now - 5000, now + 60_000]
    const deliveries = await postponed(bench, dueAtMs)
    const page = await bench.reader.readDue(SUBSCRIBER, 50)
    expect(page.deliveries.map(({ id, attempts }) => [id, attempts])).toEqual([
      [deliveries[1]!.id, 1],
      [deliveries[0]!.id, 1],
    ])
    expect(page.nextDueAtMs).toBeCloseTo(now + 60_000, 0)
    const limited = await bench.reader.readDue(SUBSCRIBER, 1)
    expect(limited.deliveries.map(({ id }) => id)).toEqual([deliveries[1]!.id])
    expect(limited.nextDueAtMs).toBeLessThanOrEqual(now)
  })

  test('reads the members of a batch together, in order', async () => {
    const bench = await aBench(kind)
    const now = Date.now()
    const batchId = '44444444-4444-4444-4444-444444444444'
    const members = [3, 1, 2].map((n) => aDelivery(n))
    for (const member of members) {
      bench.writer.store(member)
      Object.assign(member, { attempts: 1, batchId })
      bench.writer.postpone(member, failed(), now - 0.25)
    }
    await bench.flush()
    const page = await bench.reader.readDue(SUBSCRIBER, 1)
    expect(page.deliveries.map(({ message }) => message.id)).toEqual(['msg_1', 'msg_2', 'msg_3'])
    expect(page.deliveries.map((delivery) => delivery.batchId)).toEqual([batchId, batchId, batchId])
  })

  test('tells which rows wait for a next attempt', async () => {
    const bench = await aBench(kind)
    const [first, second] = await postponed(bench, [Date.now() + 2000, Date.now() + 1000])
    const page = await bench.reader.readParked(SUBSCRIBER)
    expect(page.items.map(({ id, key }) => [id, key])).toEqual([
      [second!.id, 'public.article:2'],
      [first!.id, 'public.article:1'],
    ])
    expect(page.isComplete).toBe(true)
  })

  test('names everybody who has something pending, once', async () => {
    const bench = await aBench(kind)
    for (const n of [1, 2]) bench.writer.store(aDelivery(n))
    bench.writer.store(aDelivery(3, { subscriberId: OTHER }))
    await bench.flush()
    expect(await bench.reader.pendingSubscribers()).toEqual([SUBSCRIBER, OTHER])
    await bench.db.query(`update hookd.deliveries set state = 'dead', settled_at = now()`)
    expect(await bench.reader.pendingSubscribers()).toEqual([])
  })
})

function fresh(bench: Bench, query: Partial<Parameters<Bench['reader']['readFresh']>[0]> = {}) {
  return bench.reader.readFresh({ subscriberId: SUBSCRIBER, after: null, without: [], limit: 200, ...query })
}

function idOf(n: number): string {
  return `55555555-5555-4555-8555-55555555555${n}`
}

/** The events' names as pages of `limit` give them. */
async function namesByPage(bench: Bench, limit: number): Promise<string[]> {
  const names: string[] = []
  let page = await fresh(bench, { limit })
  for (; page.deliveries.length > 0; page = await fresh(bench, { limit, after: page.deliveries.at(-1)!.cursor }))
    names.push(...page.deliveries.map(({ delivery }) => delivery.message.declaredEvent))
  return names
}

async function postponed(bench: Bench, dueAtMs: readonly number[]) {
  const deliveries = dueAtMs.map((_, at) => aDelivery(at + 1))
  deliveries.forEach((delivery, at) => {
    bench.writer.store(delivery)
    delivery.attempts = 1
    bench.writer.postpone(delivery, failed(), dueAtMs[at]!)
  })
  await bench.flush()
  return deliveries
}
