import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answer, commit, inFlight, pass, serve } from './drive.ts'
import { GONE, idOf, retryAfter, settled, UNCHARGED, World, DELIVERED } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

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
    world.lane.update({ ...world.subscriber, url: 'https://example.com/elsewhere' }, 100) // written before it was disabled
    await serve(world)
    expect(world.requests).toEqual([])
    world.lane.update({ ...world.subscriber, disabledReason: 'answered 410' }, 100)
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

  test('leaves what an earlier run stored alone until the subscriber is known as it was for that', async () => {
    const world = new World()
    world.hasCaughtUp = false
    commit(world, 'a')
    expect(inFlight(world)).toEqual(['d00001'])
    await answer(world)
    world.lane.recover('test')
    commit(world, 'b')
    await serve(world)
    pass(world, 50)
    expect(inFlight(world)).toEqual([])
    world.hasCaughtUp = true
    pass(world, 50)
    await serve(world)
    expect(inFlight(world)).toEqual(['d00002'])
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
      [['d00001', 'd00002'], 0],
      [['d00001', 'd00002'], 0],
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
