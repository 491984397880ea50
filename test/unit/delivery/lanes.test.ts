import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Delivery } from '../../../src/delivery/delivery.ts'
import { Lanes } from '../../../src/delivery/lanes.ts'
import type { AttemptResult } from '../../../src/delivery/ports.ts'
import type { Outcome } from '../../../src/delivery/outcome.ts'
import type { Subscriber } from '../../../src/subscriptions/subscriber.ts'
import { FakeLedger } from './fake-ledger.ts'
import { DELIVERED, deliveryOf, retryAfter, settled, SUBSCRIBER } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Lanes of which the endpoints in `hanging` never answer. */
class Stage {
  readonly hanging = new Set<string>()
  readonly calls: string[] = []
  readonly spills: string[] = []
  readonly ledger = new FakeLedger()
  readonly sent = new Map<string, number>()
  outcome: Outcome = DELIVERED
  now = 0
  settledCount = 0
  #count = 0
  readonly lanes = new Lanes({
    ports: {
      ledger: this.ledger,
      attempt: ({ deliveries }, { id }) => this.#attempt(deliveries.length, id),
      mayStart: () => true,
      hasCaughtUp: () => true,
      now: () => this.now,
      observer: {
        attempted: () => undefined,
        modeChanged: (id, mode, reason) => void (mode === 'spilled' && this.spills.push(`${id}: ${reason}`)),
        disabled: () => undefined,
      },
    },
    spillAfterMs: () => 5000,
    stepOf: () => 1000,
    pauseReading: () => this.calls.push('pause'),
    resumeReading: () => this.calls.push('resume'),
  })

  offer(id: string, count = 1, settings: Partial<Subscriber> & { bytes?: number } = {}): void {
    const { bytes = 10, ...subscriber } = settings
    for (let n = 0; n < count; n++) {
      const at = ++this.#count
      const tracker = { open: () => undefined, settle: () => this.settledCount++ }
      const rest: Partial<Delivery> = { tracker, body: Buffer.alloc(bytes), subscriberId: id, receivedAt: this.now }
      this.lanes.offer({ ...SUBSCRIBER, id, ...subscriber }, deliveryOf({ at, key: `k${at}`, oldKey: null }, rest))
    }
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 50) {
      this.now += 50
      vi.setSystemTime(this.now)
      this.lanes.sweep()
    }
  }

  #attempt(count: number, id: string): Promise<AttemptResult> {
    this.sent.set(id, (this.sent.get(id) ?? 0) + count)
    if (this.hanging.has(id)) return new Promise(() => undefined)
    const answer = { kind: 'failure', failure: 'reset', message: '', durationMs: 0 } as const
    return Promise.resolve({ atMs: this.now, url: '', answer, outcome: this.outcome })
  }
}

describe('reading', () => {
  test('pauses for a lane that is full, and goes on when it is not', async () => {
    const stage = new Stage()
    stage.offer('fast', 264)
    expect(stage.calls).toEqual(['pause'])
    await settled()
    stage.pass(50)
    expect(stage.calls).toEqual(['pause', 'resume'])
    expect([stage.settledCount, stage.spills, stage.lanes.heldBytes]).toEqual([264, [], 0])
  })

  test('goes on as soon as the lane it paused for is half empty', async () => {
    const stage = new Stage()
    stage.offer('fast', 264)
    await settled()
    expect(stage.calls).toEqual(['pause', 'resume'])
  })

  test('goes on after 0.8 s at the latest: a lane that stays full spills', () => {
    const stage = new Stage()
    stage.hanging.add('slow')
    stage.offer('slow', 264)
    stage.pass(800)
    expect(stage.calls).toEqual(['pause'])
    stage.pass(50)
    expect([stage.calls, stage.spills]).toEqual([['pause', 'resume'], ['slow: slower than the stream']])
  })

  test('goes on after 0.2 s where another lane has nothing to do meanwhile', async () => {
    const stage = new Stage()
    stage.hanging.add('slow')
    stage.offer('other', 10)
    stage.offer('slow', 264)
    await settled()
    stage.pass(200)
    expect(stage.calls).toEqual(['pause'])
    stage.pass(50)
    expect([stage.calls, stage.spills]).toEqual([['pause', 'resume'], ['slow: slower than the stream']])
  })

  test('pauses sooner the more lanes have work, so that what hookd is too slow for waits in the WAL', () => {
    const stage = new Stage()
    const ids = Array.from({ length: 16 }, (_, at) => `lane ${at}`)
    for (const id of ids) stage.hanging.add(id)
    let each = 0
    while (stage.calls.length === 0 && ++each < 1000) for (const id of ids) stage.offer(id)
    expect(each).toBe(8 + 512 / 16)
  })

  test('a lane that has work enough waits longer for the others', async () => {
    const stage = new Stage()
    stage.hanging.add('slow').add('busy')
    stage.offer('busy', 100)
    stage.offer('slow', 264)
    stage.pass(800)
    expect([stage.calls, stage.spills]).toEqual([['pause'], []])
  })

  test('pauses for memory, whoever holds it, and spills those that hold most of it', () => {
    const stage = new Stage()
    const bytes = 256 * 1024
    for (const id of ['a', 'b', 'c']) stage.hanging.add(id)
    stage.offer('a', 4, { bytes, concurrency: 1 })
    stage.offer('b', 20, { bytes, concurrency: 1 })
    while (stage.calls.length === 0) stage.offer('c', 1, { bytes, concurrency: 1 })
    stage.pass(850)
    expect(stage.spills).toContain('c: memory is short')
    expect(stage.spills).not.toContain('a: memory is short')
    expect(stage.calls.slice(0, 2)).toEqual(['pause', 'resume'])
  })

  test('pauses until the ledger has taken up what is far too much', () => {
    const stage = new Stage()
    stage.lanes.held(200 * 1024 * 1024)
    stage.offer('a')
    stage.pass(10_000)
    expect(stage.calls).toEqual(['pause'])
    stage.lanes.held(-200 * 1024 * 1024)
    stage.pass(50)
    expect(stage.calls).toEqual(['pause', 'resume'])
  })
})

describe('a lane', () => {
  test('is forgotten when it has nothing left to do', async () => {
    const stage = new Stage()
    stage.offer('a')
    await settled()
    expect(stage.lanes.counts()).toEqual({ direct: 1, spilled: 0, disabled: 0 })
    stage.pass(50)
    expect(stage.lanes.counts()).toEqual({ direct: 0, spilled: 0, disabled: 0 })
    expect(stage.lanes.isIdle).toBe(true)
  })

  test('is remembered while its endpoint fails, though nothing waits', async () => {
    const stage = new Stage()
    stage.outcome = { kind: 'dead', reason: 'answered 413', disable: null }
    stage.offer('a')
    await settled()
    stage.ledger.flush()
    stage.pass(50)
    expect([stage.lanes.counts().direct, stage.lanes.isIdle]).toEqual([1, true])
  })

  test('is remembered where a rate limit has to be', async () => {
    const stage = new Stage()
    stage.offer('a', 1, { rateLimit: 0.1 })
    await settled()
    stage.pass(50)
    stage.offer('a', 1, { rateLimit: 0.1 })
    expect(stage.sent.get('a')).toBe(1)
  })

  test('that is disabled keeps nobody waiting', async () => {
    const stage = new Stage()
    stage.offer('a', 3, { active: false })
    stage.ledger.flush()
    stage.pass(50)
    expect([stage.lanes.isIdle, stage.lanes.counts().disabled, stage.settledCount]).toEqual([true, 1, 3])
  })

  test('that still waits for an answer does not get in the way of a new subscriber of the same id', async () => {
    const stage = new Stage()
    stage.hanging.add('a')
    stage.offer('a', 1)
    stage.lanes.remove('a')
    stage.offer('a', 1)
    stage.pass(50)
    expect([...stage.lanes.debts()].map(([id, { ids }]) => [id, ids])).toEqual([['a', ['d00002']]])
    expect(stage.lanes.counts().direct).toBe(1)
  })

  test('takes over a new row of its subscriber', async () => {
    const stage = new Stage()
    stage.offer('a', 2, { active: false })
    stage.lanes.update({ ...SUBSCRIBER, id: 'a' })
    for (let round = 0; round < 4; round++) {
      stage.ledger.takePage(0)
      stage.ledger.handOver(0)
      await settled()
    }
    expect(stage.sent.get('a')).toBe(2)
  })
})

describe('a drain', () => {
  test('stores what waits and what does not end in time', async () => {
    const stage = new Stage()
    stage.hanging.add('a')
    stage.offer('a', 10, { concurrency: 2 })
    await stage.lanes.drain(AbortSignal.timeout(20))
    stage.ledger.flush()
    expect([stage.ledger.rows.size, stage.settledCount]).toEqual([10, 10])
  })

  test('ends as soon as nothing is in flight', async () => {
    const stage = new Stage()
    stage.outcome = retryAfter(60_000)
    stage.offer('a', 3)
    await stage.lanes.drain(new AbortController().signal)
    stage.ledger.flush()
    expect([...stage.ledger.rows.values()].map(({ attempts }) => attempts)).toEqual([1, 1, 1])
  })
})
