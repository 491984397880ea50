import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Subscriber } from '../../../src/subscriptions/subscriber.ts'
import { DEAD, DELIVERED, GONE, idOf, retryAfter, settled, UNCHARGED, World } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

function pass(world: World, ms: number): void {
  world.pass(ms, (now) => vi.setSystemTime(now))
}

/** Lets the ledger do everything that it was asked for. */
async function serve(world: World): Promise<void> {
  do {
    world.ledger.flush()
    world.ledger.takePage(0)
    world.ledger.handOver(0)
    await settled()
  } while (!world.ledger.isQuiet)
}

async function answer(world: World, outcome = DELIVERED, at = 0): Promise<void> {
  world.requests[at]!.answer(outcome)
  await settled()
}

function inFlight(world: World): string[] {
  return world.requests.flatMap(({ parcel }) => parcel.deliveries.map(({ id }) => id))
}

function commit(world: World, keys: string): string[] {
  return keys.split(' ').map((key) => world.commit(key))
}

describe('a direct lane', () => {
  test('sends as much at once as the subscriber allows, and the next as soon as one has ended', async () => {
    const world = new World({ concurrency: 2 })
    commit(world, 'a b c')
    expect(inFlight(world)).toEqual(['d00001', 'd00002'])
    await answer(world)
    expect(inFlight(world)).toEqual(['d00002', 'd00003'])
    expect(world.ledger.rows.size).toBe(0)
  })

  test('keeps the changes of a row apart, and lets other rows pass', async () => {
    const world = new World()
    commit(world, 'a a b')
    expect(inFlight(world)).toEqual(['d00001', 'd00003'])
    await answer(world)
    expect(inFlight(world)).toEqual(['d00003', 'd00002'])
  })

  test('stores what follows a change that failed, and sends it after that', async () => {
    const world = new World()
    commit(world, 'a a')
    await answer(world, retryAfter(1000))
    commit(world, 'a b')
    expect(inFlight(world)).toEqual(['d00004'])
    await serve(world)
    pass(world, 1000)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00004', 'd00001'])
    await answer(world, DELIVERED, 1)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00004', 'd00002'])
    await answer(world, DELIVERED, 1)
    expect(inFlight(world)).toEqual(['d00004', 'd00003'])
    expect(world.lane.mode).toBe('direct')
  })

  test('counts the wait for the next attempt from the end of the last one', async () => {
    const world = new World()
    commit(world, 'a')
    world.now += 15_000
    vi.setSystemTime(world.now)
    await answer(world, retryAfter(5000))
    await serve(world)
    expect(world.row('d00001')?.nextAttemptAtMs).toBe(20_000)
  })

  test('spills what the WAL has been needed for too long, and sends it all the same', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a b c')
    pass(world, 5001)
    await serve(world)
    expect([...world.ledger.rows.keys()]).toEqual(['d00001', 'd00002', 'd00003'])
    expect(world.saved).toEqual({ lsn: 3n, readUpto: '0/3 0/0 0', open: {} })
    expect(inFlight(world)).toEqual(['d00001'])
    await answer(world)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00002'])
  })

  test('also looks behind what is stored for what the WAL is needed for', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a b')
    world.lane.spill('test')
    await answer(world, retryAfter(0, 60_000))
    pass(world, 60_000)
    await serve(world)
    expect(world.lane.mode).toBe('direct')
    world.mayStart = false
    commit(world, 'c')
    pass(world, 5001)
    expect(world.lane.mode).toBe('spilled')
  })

  test('owes what is in flight and what waits, and nothing that is stored', () => {
    const world = new World({ concurrency: 1 })
    expect(world.lane.debt()).toBeNull()
    commit(world, 'a a b c')
    expect(world.lane.debt()).toMatchObject({ from: { id: 'd00002' }, ids: ['d00001', 'd00002'] })
    world.lane.spill('test')
    expect(world.lane.debt()).toBeNull()
  })
})

describe('a lane that may not send', () => {
  test('parks what comes while it is off, and sends it once it is on', async () => {
    const world = new World({ active: false })
    commit(world, 'a b')
    await serve(world)
    expect([world.requests.length, world.ledger.rows.size, world.lane.isQuiet]).toEqual([0, 2, true])
    world.lane.update({ ...world.subscriber, active: true }, 100)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00001', 'd00002'])
  })

  test('holds no memory while it is off', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a b c')
    world.lane.update({ ...world.subscriber, active: false }, 100)
    await answer(world, retryAfter(0))
    await serve(world)
    expect([world.heldBytes, world.lane.isQuiet]).toEqual([0, true])
  })

  test('is disabled by a 410, and keeps everything', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a b')
    await answer(world, GONE)
    commit(world, 'c')
    await serve(world)
    expect(world.ledger.disabled.get('sub')).toBe('answered 410')
    expect([...world.ledger.rows.values()].map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
    expect([world.requests.length, world.heldBytes, world.lane.isQuiet]).toEqual([0, 0, true])
    world.lane.update(world.subscriber, 100)
    await serve(world)
    pass(world, 50)
    await serve(world)
    while (world.requests.length > 0) {
      await answer(world)
      await serve(world)
    }
    expect([...world.ended.keys()].toSorted()).toEqual(['d00001', 'd00002', 'd00003'])
  })

  test('starts nothing while the slot may be somebody else’s', async () => {
    const world = new World()
    world.mayStart = false
    commit(world, 'a')
    expect(inFlight(world)).toEqual([])
    world.mayStart = true
    pass(world, 50)
    expect(inFlight(world)).toEqual(['d00001'])
  })

  test('waits as long as the endpoint asks for', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a b')
    await answer(world, retryAfter(2000, 1000))
    pass(world, 999)
    expect(inFlight(world)).toEqual([])
    pass(world, 1)
    expect(inFlight(world)).toEqual(['d00002'])
  })

  test('sends the same parcel again that was never sent', async () => {
    const world = new World({ concurrency: 1, batchSize: 2 })
    commit(world, 'a b c')
    await answer(world, UNCHARGED)
    pass(world, 50)
    expect(inFlight(world)).toEqual([])
    pass(world, 50)
    expect(world.attempts.map(({ ids, attempts }) => [ids, attempts])).toEqual([
      [['d00001'], 0],
      [['d00001'], 0],
    ])
  })
})

describe('an outage', () => {
  async function breakDown(world: World): Promise<void> {
    commit(world, 'a b c d e f g')
    for (let n = 0; n < 5; n++) await answer(world, retryAfter(3_600_000))
    await serve(world)
  }

  test('leaves everything to the ledger, and sends one canary at a time', async () => {
    const world = new World({ concurrency: 1 })
    await breakDown(world)
    expect([world.heldBytes, world.lane.mode, inFlight(world)]).toEqual([0, 'spilled', []])
    pass(world, 99)
    await serve(world)
    expect(inFlight(world)).toEqual([])
    pass(world, 1)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00006'])
  })

  test('asks the ledger for nothing before the next canary is due', async () => {
    const world = new World({ concurrency: 1 })
    await breakDown(world)
    pass(world, 100)
    await serve(world)
    await answer(world, retryAfter(0))
    await serve(world)
    const { queries } = world.ledger
    for (let n = 0; n < 3; n++) {
      pass(world, 50)
      await serve(world)
    }
    expect(world.ledger.queries).toBe(queries)
    expect(world.heldBytes).toBe(0)
  })

  test('is over with the first success: the window doubles', async () => {
    const world = new World({ concurrency: 8 })
    commit(world, 'a b c d e')
    for (let n = 0; n < 5; n++) await answer(world, retryAfter(3_600_000))
    commit(world, 'f g h i j k l m n o p q r s')
    await serve(world)
    pass(world, 100)
    await serve(world)
    const sizes: number[] = []
    for (let round = 0; round < 4; round++) {
      sizes.push(world.requests.length)
      for (let n = world.requests.length; n > 0; n--) {
        world.requests[0]!.answer(DELIVERED)
      }
      await settled()
      await serve(world)
    }
    expect(sizes).toEqual([1, 2, 8, 3])
  })
})

describe('the ledger of a lane', () => {
  test('is not asked again and again for the same', async () => {
    const world = new World()
    commit(world, 'a')
    await answer(world, retryAfter(60_000))
    await serve(world)
    const { queries } = world.ledger
    for (let n = 0; n < 100; n++) pass(world, 50)
    await serve(world)
    expect(world.ledger.queries).toBe(queries)
  })

  test('takes no delivery twice whose retry ends while the page that shows it is under way', async () => {
    const world = new World()
    commit(world, 'a b')
    await answer(world, retryAfter(100))
    await answer(world, retryAfter(200))
    await serve(world)
    pass(world, 100)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00001'])
    pass(world, 100)
    world.ledger.takePage(0)
    await answer(world)
    world.ledger.handOver(0)
    await settled()
    expect(inFlight(world)).toEqual(['d00002'])
  })

  test('parks a row for a failure, not for one that ends while the parked rows are read', async () => {
    const world = new World()
    commit(world, 'a b')
    await answer(world, retryAfter(0))
    await serve(world)
    pass(world, 50)
    await serve(world)
    world.lane.recover('test')
    world.ledger.takePage(0)
    await answer(world, DELIVERED, 1)
    await answer(world, retryAfter(100))
    world.ledger.handOver(0)
    await serve(world)
    commit(world, 'a b')
    await serve(world)
    expect(inFlight(world)).toEqual(['d00003'])
  })

  test('is looked at once more when an operator asks twice', async () => {
    const world = new World()
    world.lane.recover('first')
    world.lane.recover('second')
    world.lane.recover('third')
    await serve(world)
    expect(world.ledger.queries).toBe(3)
    expect(world.lane.isIdle).toBe(true)
  })

  test('gives back what an operator wants to be sent again', async () => {
    const world = new World()
    commit(world, 'a')
    await answer(world, DEAD)
    await serve(world)
    world.ledger.replay('d00001')
    world.lane.recover('replay')
    await serve(world)
    expect(world.attempts).toHaveLength(2)
    await answer(world)
    await serve(world)
    expect([world.row('d00001')?.state, world.lane.isIdle]).toEqual(['delivered', true])
  })

  test('forgets rows that wait for nothing any more when it is looked at again', async () => {
    const world = new World()
    commit(world, 'a')
    await answer(world, retryAfter(60_000))
    await serve(world)
    world.row('d00001')!.state = 'cancelled'
    commit(world, 'a')
    expect(inFlight(world)).toEqual([])
    world.lane.recover('an operator asked')
    await serve(world)
    expect(inFlight(world)).toEqual(['d00002'])
  })

  test('is read only as far as needed while memory is short', async () => {
    const world = new World({ concurrency: 2, active: false })
    commit(world, 'a b c')
    await serve(world)
    world.hasRoom = false
    world.lane.update({ ...world.subscriber, active: true }, 100)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00001'])
    await answer(world)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00002'])
  })
})

describe('batches', () => {
  const batched: Partial<Subscriber> = { concurrency: 1, batchSize: 2, batchWaitMs: 1000 }

  test('go when they are full, or have waited', async () => {
    const world = new World(batched)
    commit(world, 'a')
    expect(world.attempts).toEqual([])
    commit(world, 'a b')
    expect(world.attempts.map(({ ids }) => ids)).toEqual([['d00001', 'd00002']])
    await answer(world)
    pass(world, 999)
    expect(world.attempts).toHaveLength(1)
    pass(world, 1)
    expect(world.attempts[1]).toMatchObject({ ids: ['d00003'], body: '[{"at":3}]' })
  })

  test('are sent again as they were', async () => {
    const world = new World(batched)
    commit(world, 'a a a')
    await answer(world, retryAfter(100))
    await serve(world)
    pass(world, 2000)
    await serve(world)
    const [first, second] = world.attempts
    expect(second).toEqual({ ...first, attempts: 1 })
    await answer(world)
    await serve(world)
    pass(world, 2000)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00003'])
  })

  test('hand a row on once, however many of it they held', async () => {
    const world = new World({ concurrency: 2, batchSize: 2 })
    commit(world, 'x')
    commit(world, 'a a a')
    await answer(world, DELIVERED, 0)
    await answer(world, DELIVERED, 0)
    expect(world.attempts.map(({ ids }) => ids)).toEqual([['d00001'], ['d00002'], ['d00003', 'd00004']])
  })
})

describe('the end of a lane', () => {
  test('cancels what waits for a subscriber that is gone, and lets go of it', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a a b')
    world.lane.remove()
    await serve(world)
    expect([...world.ledger.rows.values()].map(({ state }) => state)).toEqual(['cancelled', 'cancelled'])
    await answer(world, retryAfter(0))
    await serve(world)
    expect([...world.ledger.rows.values()].map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled'])
    expect(world.saved).toMatchObject({ lsn: 3n, open: {} })
    expect([world.heldBytes, world.lane.heldBytes, world.lane.isIdle]).toEqual([0, 0, true])
  })

  test('cancels what was never sent', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a')
    world.lane.remove()
    await answer(world, UNCHARGED)
    await serve(world)
    expect([world.row('d00001')?.state, world.heldBytes, world.lane.isIdle]).toEqual(['cancelled', 0, true])
  })

  test('ignores pages that come too late', async () => {
    const world = new World({ active: false })
    commit(world, 'a')
    await serve(world)
    world.lane.update({ ...world.subscriber, active: true }, 100)
    world.ledger.takePage(0)
    world.ledger.handOver(0)
    await settled()
    world.ledger.takePage(0)
    world.lane.remove()
    world.ledger.handOver(0)
    await settled()
    expect([world.heldBytes, world.requests.length, world.lane.isIdle]).toEqual([0, 0, true])
  })

  test('stores what waits when hookd stops, and lets what is in flight finish without a trace', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a b')
    world.lane.close()
    commit(world, 'c')
    await answer(world)
    await serve(world)
    expect([...world.ledger.rows.keys()]).toEqual(['d00002', 'd00003'])
    expect([world.requests.length, world.lane.inFlight]).toEqual([0, 0])
    expect(world.saved).toMatchObject({ lsn: 3n, open: {} })
  })

  test('stores what is still in flight when the time is up', async () => {
    const world = new World({ concurrency: 1 })
    commit(world, 'a')
    world.lane.close()
    world.lane.abandon()
    await serve(world)
    expect(world.row(idOf({ at: 1 }))?.state).toBe('pending')
    await answer(world)
    await serve(world)
    expect(world.row(idOf({ at: 1 }))?.state).toBe('delivered')
  })
})

describe('a new ordering', () => {
  test('waits until what is in flight under the old one has ended', async () => {
    const world = new World({ ordering: 'none', concurrency: 2 })
    commit(world, 'a a a')
    expect(inFlight(world)).toEqual(['d00001', 'd00002'])
    world.lane.update({ ...world.subscriber, ordering: 'row' }, 100)
    await answer(world)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00002'])
    await answer(world)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00003'])
    expect(world.lane.mode).toBe('direct')
  })
})
