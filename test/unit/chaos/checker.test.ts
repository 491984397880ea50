import { describe, expect, test } from 'vitest'
import { check } from '../../../chaos/checker/check.ts'
import { FAULT_KINDS } from '../../../chaos/checker/findings.ts'
import { HistoryWriter, item, OTHER_SECRET, SECRET, subscriber } from './histories.ts'

const ROTATING = { hmac_secret_old: OTHER_SECRET, hmac_secret_old_until: '2033-01-01T00:00:00Z' }

/** The counts that are not zero. */
function faultsIn({ facts }: HistoryWriter): Record<string, number> {
  const { findings } = check(facts)
  const counts = FAULT_KINDS.map((kind) => [kind, findings.count(kind)] as const)
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

/** Bob is subscribed, and item 1 is created, changed and removed. */
function aLife(): { history: HistoryWriter; created: number; changed: number; removed: number } {
  const history = new HistoryWriter()
  history.subscribe()
  const created = history.commit(['public.item', null, item(1, 11)])
  const changed = history.commit(['public.item', item(1, 11), item(1, 12)])
  const removed = history.commit(['public.item', item(1, 12), null])
  return { history, created, changed, removed }
}

/** Bob is subscribed and item 1 is created. */
function aBirth(columns = {}): { history: HistoryWriter; created: number } {
  const history = new HistoryWriter()
  history.subscribe(columns)
  return { history, created: history.commit(['public.item', null, item(1, 11)]) }
}

describe('a history in which all is well', () => {
  test('has nothing to find', () => {
    const { history, created, changed, removed } = aLife()
    history.request({ row: item(1, 11), of: created })
    history.request({ row: item(1, 12), old: item(1, 11), op: 'update', of: changed })
    history.request({ row: item(1, 12), op: 'delete', of: removed })
    expect(faultsIn(history)).toEqual({})
    expect(check(history.facts).counts).toMatchObject({ expected: 3, arrived: 3, requests: 3 })
  })

  test('may have attempts that failed before the one that did not', () => {
    const { history, created } = aBirth()
    history.request({ row: item(1, 11), of: created, status: 500 }).request({ row: item(1, 11), of: created })
    expect(faultsIn(history)).toEqual({})
    expect(check(history.facts).duplicates).toEqual([])
  })

  test('may have a request to the new URL of a change from before it, and one signed with the new secret', () => {
    const { history, created } = aBirth()
    const moved = subscriber({ url: 'http://127.0.0.1:1/healthy/2', hmac_secret: OTHER_SECRET })
    history.commit(['hookd.subscribers', subscriber(), moved])
    history.request({ row: item(1, 11), of: created, path: '/healthy/2', secret: OTHER_SECRET })
    expect(faultsIn(history)).toEqual({})
  })

  test('may have two values of webhook-signature while a secret is rotated', () => {
    const { history, created } = aBirth(ROTATING)
    history.request({ row: item(1, 11), of: created, oldSecret: OTHER_SECRET })
    expect(faultsIn(history)).toEqual({})
  })

  test('may lack what was cancelled, given up, or waits for somebody who is paused', () => {
    const removed = aBirth()
    removed.history.commit(['hookd.subscribers', subscriber(), null])
    removed.history.keep('cancelled', item(1, 11))
    expect(faultsIn(removed.history)).toEqual({})

    const dead = aBirth()
    dead.history.keep('dead', item(1, 11), 'answered 413')
    expect(faultsIn(dead.history)).toEqual({})

    const paused = aBirth()
    paused.history.commit(['hookd.subscribers', subscriber(), subscriber({ active: false })])
    paused.history.keep('pending', item(1, 11))
    expect(faultsIn(paused.history)).toEqual({})
  })

  test('may have rows of one subscriber in any order, and everything under ordering none', () => {
    const rows = new HistoryWriter()
    rows.subscribe()
    const of = rows.commit(['public.item', null, item(1, 11)], ['public.item', null, item(2, 12)])
    rows.request({ row: item(2, 12), of }).request({ row: item(1, 11), of })
    expect(faultsIn(rows)).toEqual({})

    const none = new HistoryWriter()
    none.subscribe({ ordering: 'none' })
    const created = none.commit(['public.item', null, item(1, 11)])
    const changed = none.commit(['public.item', item(1, 11), item(1, 12)])
    none.request({ row: item(1, 12), old: item(1, 11), op: 'update', of: changed })
    none.request({ row: item(1, 11), of: created })
    expect(faultsIn(none)).toEqual({})
  })

  test('counts what came again, and tells whether it was the same', () => {
    const { history, created } = aBirth()
    history.request({ row: item(1, 11), of: created, at: 1_700_000_002_000 })
    history.request({ row: item(1, 11), of: created, at: 1_700_000_003_000 })
    expect(faultsIn(history)).toEqual({})
    expect(check(history.facts).duplicates).toEqual([
      { subscriber: 'bob', answeredAt: 1_700_000_002_001, at: 1_700_000_003_000, sameId: true, sameBytes: true },
    ])
  })
})

describe('lost is', () => {
  test('what never came', () => {
    expect(faultsIn(aBirth().history)).toEqual({ lost: 1 })
  })

  test('what came and was never answered 2xx', () => {
    const { history, created } = aBirth()
    history.request({ row: item(1, 11), of: created, status: 500 })
    expect(faultsIn(history)).toEqual({ lost: 1 })
  })

  test('what left no trace when its subscriber was removed', () => {
    const { history } = aBirth()
    history.commit(['hookd.subscribers', subscriber(), null])
    expect(faultsIn(history)).toEqual({ lost: 1 })
  })

  test('what still waits for somebody who is not paused, and a dead letter without a reason', () => {
    const waiting = aBirth()
    waiting.history.keep('pending', item(1, 11))
    expect(faultsIn(waiting.history)).toEqual({ lost: 1 })

    const dead = aBirth()
    dead.history.keep('dead', item(1, 11))
    expect(faultsIn(dead.history)).toEqual({ lost: 1 })
  })
})

describe('a phantom is', () => {
  test('a row that no committed transaction wrote, as of a rollback or a savepoint that was taken back', () => {
    const { history, created } = aBirth()
    history.request({ row: item(1, 11), of: created }).request({ row: item(2, 99), of: created })
    expect(faultsIn(history)).toEqual({ phantom: 1 })
  })

  test('an event that the change does not fire', () => {
    const { history, created } = aBirth()
    history.request({ row: item(1, 11), of: created })
    history.request({ row: item(1, 11), event: 'item.published', of: created, delivery: 'other' })
    expect(faultsIn(history)).toEqual({ phantom: 1 })
  })
})

describe('misordered is', () => {
  test('an event of a change that came before another one with an earlier name', () => {
    const history = new HistoryWriter()
    history.subscribe()
    const row = item(1, 11, { state: 'PUBLISHED' })
    const of = history.commit(['public.item', null, row])
    const data = { id: 1, stamp: 11, state: 'PUBLISHED' }
    history.request({ row: data, event: 'item.published', of }).request({ row, of })
    expect(faultsIn(history)).toEqual({ misordered: 1 })
  })

  test('a later change of a row that came first', () => {
    const { history, created, changed, removed } = aLife()
    history.request({ row: item(1, 12), old: item(1, 11), op: 'update', of: changed })
    history.request({ row: item(1, 11), of: created })
    history.request({ row: item(1, 12), op: 'delete', of: removed })
    expect(faultsIn(history)).toEqual({ misordered: 1 })
  })

  test('a later change of a row that did not wait for the retry of the one before it', () => {
    const { history, created, changed, removed } = aLife()
    history.request({ row: item(1, 11), of: created, status: 500 })
    history.request({ row: item(1, 12), old: item(1, 11), op: 'update', of: changed })
    history.request({ row: item(1, 11), of: created })
    history.request({ row: item(1, 12), op: 'delete', of: removed })
    expect(faultsIn(history)).toEqual({ misordered: 1 })
  })

  test('a change of the row that took a key before the one that left it', () => {
    const history = new HistoryWriter()
    history.subscribe()
    const left = history.commit(['public.item', item(1, 11), item(2, 12)])
    const taken = history.commit(['public.item', null, item(1, 13)])
    history.request({ row: item(1, 13), of: taken })
    history.request({ row: item(2, 12), old: item(1, 11), op: 'update', of: left })
    expect(faultsIn(history)).toEqual({ misordered: 1 })
  })

  test('any later change that came first under ordering subscriber', () => {
    const history = new HistoryWriter()
    history.subscribe({ ordering: 'subscriber' })
    const first = history.commit(['public.item', null, item(1, 11)])
    const second = history.commit(['public.item', null, item(2, 12)])
    history.request({ row: item(2, 12), of: second }).request({ row: item(1, 11), of: first })
    expect(faultsIn(history)).toEqual({ misordered: 1 })
  })

  test('not what waits for a dead letter in vain', () => {
    const { history, created, changed, removed } = aLife()
    history.request({ row: item(1, 11), of: created, status: 413 }).keep('dead', item(1, 11), 'answered 413')
    history.request({ row: item(1, 12), old: item(1, 11), op: 'update', of: changed })
    history.request({ row: item(1, 12), op: 'delete', of: removed })
    expect(faultsIn(history)).toEqual({})
  })
})

describe('corrupt is', () => {
  test('a value that is not what was committed, be it a digit', () => {
    const { history, created } = aBirth()
    history.request({ row: item(1, 11, { amount: 1.5 }), of: created })
    expect(faultsIn(history)).toEqual({ corrupt: 1 })
  })

  test('a column that is missing, the wrong transaction, and what is no JSON', () => {
    const { history, created } = aBirth()
    const { amount: _, ...rest } = item(1, 11)
    history.request({ row: rest, of: created })
    expect(faultsIn(history)).toEqual({ corrupt: 1 })

    const other = aBirth()
    other.history.request({ row: item(1, 11), of: other.created + 1 })
    expect(faultsIn(other.history)).toEqual({ corrupt: 1 })

    const broken = aBirth()
    broken.history.request({ row: item(1, 11), of: broken.created }).request({ row: item(1, 11), of: 1, body: '{' })
    expect(faultsIn(broken.history)).toEqual({ corrupt: 1 })
  })

  test('a duplicate with other bytes', () => {
    const { history, created } = aBirth()
    history.request({ row: item(1, 11), of: created, status: 500 })
    const known = history.facts.find((fact) => fact.kind === 'request')
    history.request({ row: item(1, 11), of: created, body: ` ${known!.body}` })
    expect(faultsIn(history)).toEqual({ corrupt: 1 })
  })

  test('a duplicate with another id, and one id for two messages', () => {
    const again = aBirth()
    again.history.request({ row: item(1, 11), of: again.created, status: 500 })
    again.history.request({ row: item(1, 11), of: again.created, delivery: 'other' })
    expect(faultsIn(again.history)).toEqual({ corrupt: 1 })

    const history = new HistoryWriter()
    history.subscribe({ ordering: 'none' })
    const of = history.commit(['public.item', null, item(1, 11)], ['public.item', null, item(2, 12)])
    history.request({ row: item(1, 11), of, delivery: 'same' }).request({ row: item(2, 12), of, delivery: 'same' })
    expect(faultsIn(history)['corrupt']).toBeGreaterThan(0)
  })
})

describe('unsigned is', () => {
  test.each([
    ['Hook-HMAC of other bytes', { 'hook-hmac': 'AAAA' }],
    ['webhook-signature of other bytes', { 'webhook-signature': 'v1,AAAA' }],
    ['a second value that no rotation explains', { 'webhook-signature': 'v1,AAAA v1,AAAA' }],
    ['another timestamp than was signed', { 'webhook-timestamp': '1' }],
    ['another id than was signed', { 'webhook-id': 'msg_other' }],
  ])('%s', (_, headers) => {
    const { history, created } = aBirth({ envelope: 'raw' })
    const body = JSON.stringify(item(1, 11))
    history.request({ row: item(1, 11), of: created, body, headers })
    expect(faultsIn(history)).toEqual({ unsigned: 1 })
  })

  test.each(['hook-hmac', 'webhook-signature', 'webhook-timestamp'])('a request without %s', (name) => {
    const { history, created } = aBirth()
    history.request({ row: item(1, 11), of: created })
    const request = history.facts.find((fact) => fact.kind === 'request')!
    delete (request.headers as Record<string, string>)[name]
    expect(faultsIn(history)).toEqual({ unsigned: 1 })
  })

  test('one value while a secret is rotated, and two after that', () => {
    const rotating = aBirth(ROTATING)
    rotating.history.request({ row: item(1, 11), of: rotating.created })
    expect(faultsIn(rotating.history)).toEqual({ unsigned: 1 })

    const over = aBirth({ ...ROTATING, hmac_secret_old_until: '2001-01-01T00:00:00Z' })
    over.history.request({ row: item(1, 11), of: over.created, oldSecret: OTHER_SECRET })
    expect(faultsIn(over.history)).toEqual({ unsigned: 1 })
  })

  test('a secret that was replaced before the change', () => {
    const history = new HistoryWriter()
    history.subscribe()
    history.commit(['hookd.subscribers', subscriber(), subscriber({ hmac_secret: OTHER_SECRET })])
    const created = history.commit(['public.item', null, item(1, 11)])
    history.request({ row: item(1, 11), of: created, secret: SECRET })
    expect(faultsIn(history)).toEqual({ unsigned: 1 })
  })
})

describe('misdirected is', () => {
  test('what was committed before the subscription or after its end, or goes to nobody', () => {
    const history = new HistoryWriter()
    const before = history.commit(['public.item', null, item(1, 11)])
    history.subscribe()
    history.commit(['hookd.subscribers', subscriber(), null])
    const after = history.commit(['public.item', null, item(2, 12)])
    history.request({ row: item(1, 11), of: before }).request({ row: item(2, 12), of: after })
    history.request({ row: item(1, 11), of: before, to: 'eve' })
    expect(faultsIn(history)).toEqual({ misdirected: 3 })
  })

  test('what shares the transaction of the subscription', () => {
    const history = new HistoryWriter()
    const of = history.commit(['hookd.subscribers', null, subscriber()], ['public.item', null, item(1, 11)])
    history.request({ row: item(1, 11), of })
    expect(faultsIn(history)).toEqual({ misdirected: 1 })
  })

  test.each([
    ['pattern', { event: 'plain.*' }],
    ['owner', { owner: 'a' }],
    ['filter', { filter: { amount: { gte: 50 } } }],
    ['filter', { filter: { state: 'PUBLISHED' } }],
  ])('what the %s keeps out: %o', (_, columns) => {
    const { history, created } = aBirth(columns)
    history.request({ row: item(1, 11), of: created })
    expect(faultsIn(history)).toEqual({ misdirected: 1 })
  })

  test('what goes to a URL that was replaced before the change, or never was one', () => {
    const history = new HistoryWriter()
    history.subscribe()
    history.commit(['hookd.subscribers', subscriber(), subscriber({ url: 'http://127.0.0.1:1/healthy/2' })])
    const created = history.commit(['public.item', null, item(1, 11)])
    history.request({ row: item(1, 11), of: created, path: '/healthy/1' })
    expect(faultsIn(history)).toEqual({ misdirected: 1 })
  })

  test.each([
    ['paused', { active: false }],
    ['disabled', { disabled_at: '2026-01-01T00:00:00Z' }],
  ])('what comes while the subscriber is %s, but not once it is resumed', (_, columns) => {
    const history = new HistoryWriter()
    history.subscribe()
    history.commit(['hookd.subscribers', subscriber(), subscriber(columns)])
    const created = history.commit(['public.item', null, item(1, 11)])
    history.commit(['hookd.subscribers', subscriber(columns), subscriber()])
    history.request({ row: item(1, 11), of: created, at: 1_700_000_002_500 })
    expect(faultsIn(history)).toEqual({ misdirected: 1 })

    const later = history.facts.find((fact) => fact.kind === 'request')!
    const moved = { ...later, at: 1_700_000_003_000 }
    expect(check(history.facts.map((fact) => (fact === later ? moved : fact))).findings.count('misdirected')).toBe(0)
  })
})

describe('late is, and so misdirected,', () => {
  const READ_AT = 1_700_000_010_000

  /** Bob is paused or removed after item 1 was created; Eve has a later message, so hookd has read that. */
  function anEnd(columns: Record<string, unknown> | null) {
    const history = new HistoryWriter()
    history.subscribe()
    history.commit(['hookd.subscribers', null, subscriber({ id: 'eve' })])
    const of = history.commit(['public.item', null, item(1, 11)])
    history.request({ to: 'eve', row: item(1, 11), of })
    history.commit(['hookd.subscribers', subscriber(), columns && subscriber(columns)])
    const later = history.commit(['public.item', null, item(2, 12)])
    history.request({ to: 'eve', row: item(2, 12), of: later, at: READ_AT })
    if (columns !== null) history.keep('pending', item(2, 12))
    return { history, of }
  }

  test.each([
    ['somebody who is paused', { active: false }],
    ['somebody who is removed', null],
  ])('what still comes to %s long after hookd has read that', (_, columns) => {
    const { history, of } = anEnd(columns)
    history.request({ row: item(1, 11), of, at: READ_AT + 60_000 })
    expect(faultsIn(history)).toEqual({ misdirected: 1 })
  })

  test('not what was in flight, or comes from a process that was started meanwhile', () => {
    const soon = anEnd(null)
    soon.history.request({ row: item(1, 11), of: soon.of, at: READ_AT + 1000 })
    expect(faultsIn(soon.history)).toEqual({})

    const restarted = anEnd(null)
    restarted.history.facts.push({ kind: 'daemon', at: READ_AT + 50_000, pid: 2, event: 'started' })
    restarted.history.request({ row: item(1, 11), of: restarted.of, at: READ_AT + 60_000 })
    expect(faultsIn(restarted.history)).toEqual({})
  })
})

test('two sources of the truth that contradict each other give no verdict', () => {
  const { history } = aBirth()
  const without = (kind: string) => history.facts.filter((fact) => fact.kind !== kind)
  expect(() => check(without('transaction'))).toThrow(/journal has transaction 700/)
  expect(() => check(without('change'))).toThrow(/slot showed transaction 700/)
})
