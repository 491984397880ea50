import { describe, expect, test } from 'vitest'
import { cancelDeliveries, removeExpired } from '../../src/ledger/janitor.ts'
import { SERVER_KINDS } from '../support/postgres.ts'
import { aBench, aDelivery, SUBSCRIBER } from './ledger.ts'

const { signal } = new AbortController()
const WEEK_MS = 7 * 24 * 3_600_000
const OTHER = '33333333-3333-3333-3333-333333333333'

describe.each(SERVER_KINDS)('the janitor on %s', (kind) => {
  test('cancels what waits for a subscriber that is gone, and nothing else', async () => {
    const bench = await aBench(kind)
    for (let n = 1; n <= 1200; n++) bench.writer.store(aDelivery(n))
    bench.writer.store(aDelivery(1, { subscriberId: OTHER }))
    const done = aDelivery(2000)
    bench.writer.store(done)
    bench.writer.settle(done, 'dead', null)
    await bench.flush()
    expect(await cancelDeliveries(bench.pool, SUBSCRIBER, signal)).toBe(1200)
    expect(
      await bench.db.query(`select state, count(*)::int as n from hookd.deliveries group by 1 order by 1`),
    ).toEqual([
      { state: 'cancelled', n: 1200 },
      { state: 'dead', n: 1 },
      { state: 'pending', n: 1 },
    ])
  })

  test('removes what was settled longer ago than the retention time, with the bodies that nobody needs', async () => {
    const bench = await aBench(kind)
    for (const n of [1, 2, 3]) bench.writer.store(aDelivery(n))
    bench.writer.store(aDelivery(1, { subscriberId: OTHER }))
    await bench.flush()
    await bench.db.query(
      `update hookd.deliveries set state = 'dead', settled_at = now() - interval '8 days'
       where subscriber_id = $1 and message_id <> 'msg_3'`,
      [SUBSCRIBER],
    )
    await bench.db.query(`insert into hookd.attempts (delivery_id, attempt) select id, 1 from hookd.deliveries`)
    expect(await removeExpired(bench.pool, WEEK_MS, signal)).toBe(2)
    expect(await bench.db.query('select id from hookd.messages order by id')).toEqual([
      { id: 'msg_1' },
      { id: 'msg_3' },
    ])
    expect(await bench.db.query('select count(*)::int as n from hookd.attempts')).toEqual([{ n: 2 }])
    expect(await removeExpired(bench.pool, WEEK_MS, signal)).toBe(0)
  })

  test('waits for nobody: what somebody else has locked is left for the next time', async () => {
    const bench = await aBench(kind)
    for (const n of [1, 2, 3]) bench.writer.store(aDelivery(n))
    await bench.flush()
    await bench.db.query(`update hookd.deliveries set state = 'dead', settled_at = now() - interval '8 days'`)
    const reader = await bench.db.client()
    await reader.query(`begin; select from hookd.deliveries where message_id = 'msg_2' for update`)
    expect(await removeExpired(bench.pool, WEEK_MS, signal)).toBe(2)
    await reader.query('rollback')
    expect(await removeExpired(bench.pool, WEEK_MS, signal)).toBe(1)
  })

  test('removes old errors', async () => {
    const bench = await aBench(kind)
    await bench.db.query(
      `insert into hookd.errors (id, at, kind, message)
       select gen_random_uuid(), now() - days * interval '1 day', 'filter', '' from generate_series(1, 10) as days`,
    )
    await removeExpired(bench.pool, WEEK_MS, signal)
    expect(await bench.db.query('select count(*)::int as n from hookd.errors')).toEqual([{ n: 6 }])
  })

  test('stops when told to', async () => {
    const bench = await aBench(kind)
    bench.writer.store(aDelivery(1))
    await bench.flush()
    expect(await cancelDeliveries(bench.pool, SUBSCRIBER, AbortSignal.abort())).toBe(0)
  })
})
