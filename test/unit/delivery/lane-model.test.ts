import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Ordering, Subscriber } from '../../../src/subscriptions/subscriber.ts'
import { DEAD, DELIVERED, GONE, idOf, retryAfter, settled, UNCHARGED, World } from './world.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

const STEPS = 300
const SEEDS = Number(process.env['MODEL_SEEDS'] ?? 40)

const LANES: [string, Partial<Subscriber>][] = [
  ['by row', { ordering: 'row', concurrency: 3 }],
  ['by row, in batches', { ordering: 'row', concurrency: 2, batchSize: 3, batchWaitMs: 200 }],
  ['one after the other', { ordering: 'subscriber', concurrency: 3 }],
  ['one after the other, in batches', { ordering: 'subscriber', concurrency: 3, batchSize: 4 }],
  ['in no order', { ordering: 'none', concurrency: 4 }],
]

describe.each(LANES)('a lane that sends %s', (_, settings) => {
  test('neither loses, doubles nor overtakes anything', async () => {
    expect(await playAll(settings, { crashes: false, reorders: false })).toEqual([])
  })

  test('survives crashes, sending again no more than was in flight or unrecorded', async () => {
    expect(await playAll(settings, { crashes: true, reorders: false })).toEqual([])
  })
})

test('a change of the ordering loses and doubles nothing', async () => {
  expect(await playAll({ concurrency: 3 }, { crashes: false, reorders: true })).toEqual([])
})

async function playAll(settings: Partial<Subscriber>, game: Game): Promise<string[]> {
  const faults: string[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const fault of await play(seed, settings, game)) faults.push(`seed ${seed}: ${fault}`)
  }
  return faults
}

interface Game {
  readonly crashes: boolean
  readonly reorders: boolean
}

/** Returns what went wrong, in sentences. */
async function play(seed: number, settings: Partial<Subscriber>, game: Game): Promise<string[]> {
  const random = mulberry32(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const world = new World(settings)
  const judge = new Judge(world)
  const isSick = random() < 0.3
  const pass = (ms: number): void => world.pass(ms, (now) => vi.setSystemTime(now), 1000)

  for (let step = 0; step < STEPS; step++) {
    const dice = random()
    if (world.isCatchingUp && below(3) === 0) world.readOn(1 + below(4))
    if (dice < 0.25) {
      const key = `k${below(4)}`
      world.commit(key, below(6) === 0 ? `k${(Number(key[1]) + 1) % 4}` : null)
    } else if (dice < 0.5) answer(world, below, isSick)
    else if (dice < 0.65) world.ledger.flush(below(3) === 0 ? below(5) : Infinity)
    else if (dice < 0.75) world.ledger.takePage(below(10))
    else if (dice < 0.85) world.ledger.handOver(below(10))
    else if (dice < 0.93) pass(below(8) === 0 ? 2000 : below(120))
    else if (dice < 0.94) world.lane.spill('test')
    else if (dice < 0.95) world.lane.recover('test')
    else if (dice < 0.96) toggle(world)
    else if (dice < 0.965) world.mayStart = !world.mayStart
    else if (dice < 0.97) world.hasRoom = !world.hasRoom
    else if (dice < 0.98) replay(world, judge, below)
    else if (dice < 0.985 && game.reorders) reorder(world, below)
    else if (dice < 0.995 && game.crashes) {
      judge.crash()
      await world.restart()
    }
    await settled()
    judge.watch()
  }
  await finish(world, pass)
  return judge.conclude()
}

function answer(world: World, below: (limit: number) => number, isSick: boolean): void {
  const request = world.requests[below(world.requests.length)]
  if (request === undefined) return
  const dice = below(100)
  const mostly = isSick ? retryAfter(below(3) * 100) : DELIVERED
  if (dice < 60) request.answer(mostly)
  else if (dice < 80) request.answer(DELIVERED)
  else if (dice < 90) request.answer(retryAfter(below(3) * 100, below(4) === 0 ? 150 : 0))
  else if (dice < 94) request.answer(DEAD)
  else if (dice < 98) request.answer(UNCHARGED)
  else request.answer(GONE)
}

function toggle(world: World): void {
  const { active } = world.subscriber
  change(world, { active: !active, disabledReason: null })
}

function reorder(world: World, below: (limit: number) => number): void {
  change(world, { ordering: (['row', 'none', 'subscriber'] as Ordering[])[below(3)]! })
}

function change(world: World, to: Partial<Subscriber>): void {
  const disabledReason = world.ledger.disabled.get('sub')
  if (disabledReason !== undefined) {
    world.ledger.disabled.delete('sub')
    world.lane.update({ ...world.subscriber, disabledReason }, 100) // the row that the lane itself caused
  }
  world.subscriber = { ...world.subscriber, ...to }
  world.lane.update(world.subscriber, 100)
}

function replay(world: World, judge: Judge, below: (limit: number) => number): void {
  const settledRows = [...world.ledger.rows.values()].filter((row) => row.state === 'dead' || row.state === 'delivered')
  const row = settledRows[below(settledRows.length)]
  if (row === undefined) return
  world.ledger.replay(row.delivery.id)
  judge.replayed.add(row.delivery.id)
  world.ended.delete(row.delivery.id)
  world.lane.recover('an operator asked')
}

/** The endpoint is well from now on, and nothing else happens. */
async function finish(world: World, pass: (ms: number) => void): Promise<void> {
  world.mayStart = true
  world.hasRoom = true
  world.readOn()
  change(world, { active: true, disabledReason: null })
  for (let round = 0; round < 2000 && !(world.lane.isIdle && world.ledger.isQuiet); round++) {
    world.ledger.flush()
    world.ledger.takePage(0)
    world.ledger.handOver(0)
    await settled()
    world.requests[0]?.answer(DELIVERED)
    await settled()
    pass(50)
    await settled()
  }
  world.ledger.flush()
}

/** Watches what reaches the endpoint. */
class Judge {
  readonly replayed = new Set<string>()
  readonly #world: World
  readonly #faults = new Set<string>()
  /** Sent again without fault: in flight at a crash, or answered since the last record before it. */
  readonly #excused = new Set<string>()
  readonly #batches = new Map<string, string>()
  readonly #started = new Set<string>()
  readonly #delivered = new Set<string>()
  #seen = 0
  #answeredSinceSave = new Set<string>()
  #saved: unknown = null

  constructor(world: World) {
    this.#world = world
  }

  crash(): void {
    const { requests, ended } = this.#world
    for (const { parcel } of requests) for (const { id } of parcel.deliveries) this.#excused.add(id)
    for (const id of ended.keys()) {
      if (!this.#answeredSinceSave.has(id) && this.#world.row(id)?.state !== 'pending') continue
      this.#excused.add(id)
      ended.delete(id)
    }
  }

  watch(): void {
    const { attempts, ended, saved, requests } = this.#world
    for (; this.#seen < attempts.length; this.#seen++) this.#check(attempts[this.#seen]!)
    if (saved !== this.#saved) this.#answeredSinceSave = new Set()
    this.#saved = saved
    for (const id of ended.keys()) {
      if (this.#delivered.has(id)) continue
      this.#delivered.add(id)
      this.#answeredSinceSave.add(id)
    }
    for (const id of this.#delivered) if (!ended.has(id)) this.#delivered.delete(id)
    const flying = requests.flatMap(({ parcel }) => parcel.deliveries.map(({ id }) => id))
    this.#require(new Set(flying).size === flying.length, 'a delivery is in two requests at once')
  }

  conclude(): string[] {
    const { changes, ended, lane, ledger, heldBytes, saved } = this.#world
    for (const id of changes.map(idOf)) {
      this.#require(ended.has(id) || this.#isSettledInLedger(id), `${id} is lost`)
    }
    this.#require(lane.isIdle && lane.mode === 'direct', 'the lane is not idle')
    this.#require(heldBytes === 0 && lane.heldBytes === 0 && ledger.heldBytes === 0, 'memory is not given back')
    this.#require(saved.lsn === BigInt(changes.length), 'the position does not reach the end')
    this.#require(Object.keys(saved.open).length === 0, 'something is still owed')
    return [...this.#faults]
  }

  #require(isMet: boolean, fault: string): void {
    if (!isMet) this.#faults.add(fault)
  }

  #isSettledInLedger(id: string): boolean {
    const state = this.#world.row(id)?.state
    return state === 'delivered' || state === 'dead'
  }

  #check({ ids, parcelId, body, attempts }: World['attempts'][number]): void {
    for (const id of ids) {
      const mayComeAgain = this.#excused.has(id) || this.replayed.has(id)
      this.#require(mayComeAgain || !this.#delivered.has(id), `${id} is sent again`)
      if (!this.#started.has(id) && attempts === 0) this.#checkOrder(id, ids)
      this.#started.add(id)
    }
    this.#require((this.#batches.get(parcelId) ?? body) === body, `${parcelId} has changed its bytes`)
    this.#batches.set(parcelId, body)
  }

  /** Everything before it on one of its keys has ended, or travels with it. */
  #checkOrder(id: string, together: readonly string[]): void {
    const { changes, subscriber, ended } = this.#world
    if (subscriber.ordering === 'none' || this.#isReordered) return
    const change = changes.find((other) => idOf(other) === id)!
    const keys = keysOf(change)
    for (const earlier of changes) {
      if (earlier.at >= change.at) break
      const other = idOf(earlier)
      if (this.replayed.has(other) || this.#excused.has(other)) continue
      const isRelated = subscriber.ordering === 'subscriber' || keysOf(earlier).some((key) => keys.includes(key))
      if (!isRelated || together.includes(other)) continue
      this.#require(ended.has(other) || this.#isSettledInLedger(other), `${id} overtakes ${other}`)
    }
  }

  get #isReordered(): boolean {
    return this.#world.log.includes('spilled: ordering changed')
  }
}

function keysOf({ key, oldKey }: { key: string; oldKey: string | null }): string[] {
  return oldKey === null ? [key] : [key, oldKey]
}

function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
