import { describe, expect, test } from 'vitest'
import { owedBySubscriber } from '../../../src/daemon/owed.ts'
import type { Delivery } from '../../../src/delivery/delivery.ts'

function aDelivery(commit: number, id = `d${commit}`): Delivery {
  const transaction = { xid: commit, commitLsn: BigInt(commit), committedAt: '2026-01-01T00:00:00Z' }
  const message = {
    id: `msg_${commit}`,
    event: 'a.b',
    declaredEvent: 'a.b',
    table: 'public.a',
    op: 'insert',
    rowKeyJson: null,
    transaction,
    lsn: `0/${commit.toString(16).toUpperCase()}`,
    ordinal: 0,
  }
  return {
    id,
    subscriberId: 's',
    message,
    variant: 'hookd json',
    contentType: 'application/json',
    body: Buffer.alloc(0),
    headers: [],
    key: '',
    oldKey: null,
    receivedAt: 0,
    tracker: null,
    stored: false,
    attempts: 0,
    replayed: 0,
    batchId: null,
  }
}

describe('what is owed', () => {
  test('is nothing where nothing is open', () => {
    expect(owedBySubscriber([], [])).toEqual({})
  })

  test('names the debts of the lanes and what waits in the queue of the ledger', () => {
    const owed = owedBySubscriber([['s', { ids: ['d1'], from: aDelivery(5) }]], [aDelivery(2)])
    expect(owed).toEqual({ s: { ids: ['d1', 'd2'], from: { position: '0/5 0/5 0', id: 'd5' } } })
  })

  test('names a position instead of thousands of deliveries, never one behind any of them', () => {
    const queued = Array.from({ length: 5000 }, (_, at) => aDelivery(10_000 + ((at * 7919) % 5000)))
    const { ids, from } = owedBySubscriber([], queued)['s']!
    const first = BigInt(`0x${from!.position.split(' ')[0]!.split('/')[1]}`)
    for (const { id, message } of queued) {
      expect(ids.includes(id) || message.transaction.commitLsn > first).toBe(true)
    }
    expect(ids.length).toBeLessThan(300)
  })

  test('keeps naming every delivery of the change at that position', () => {
    const many = Array.from({ length: 200 }, (_, at) => aDelivery(100 + at))
    const { ids, from } = owedBySubscriber([], [...many, aDelivery(50, 'x'), aDelivery(50, 'y')])['s']!
    expect(from).toEqual({ position: '0/32 0/32 0', id: 'x' })
    expect(ids.slice(-2)).toEqual(['x', 'y'])
  })
})
