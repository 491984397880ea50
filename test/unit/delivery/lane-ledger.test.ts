import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Subscriber } from '../../../src/subscriptions/subscriber.ts'
import { answer, commit, inFlight, pass, serve } from './drive.ts'
import { DEAD, DELIVERED, retryAfter, settled, World } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
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
    for (const keys of ['x', 'a', 'a a']) {
      commit(world, keys)
      await settled()
    }
    await answer(world, DELIVERED, 0)
    await answer(world, DELIVERED, 0)
    expect(world.attempts.map(({ ids }) => ids)).toEqual([['d00001'], ['d00002'], ['d00003', 'd00004']])
  })
})
