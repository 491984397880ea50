import PQueue from 'p-queue'
import type { Subscriber } from '../subscriptions/subscriber.ts'
import type { Delivery, Parcel } from './delivery.ts'
import { Fifo } from './fifo.ts'
import { LaneHealth } from './lane-health.ts'
import { LaneLedger } from './lane-ledger.ts'
import { packParcel } from './parcel.ts'
import type { AttemptResult, LanePorts } from './ports.ts'
import { weightOf } from './ports.ts'
import { RowGate } from './row-gate.ts'

const MOST_BLOCKED = 500
const MOST_PARKED = 1000
/** The first delay assumed for canaries where a subscriber's own schedule is empty. */
const DEFAULT_STEP_MS = 5000

/** What a lane still owes of what it was handed from the stream; see `Progress`. */
export interface LaneDebt {
  /** The first delivery that waits untouched: it and all behind it are unsettled. */
  readonly from: Delivery | null
  /** Unsettled deliveries ahead of `from`. */
  readonly ids: readonly string[]
}

/**
 * Where one subscriber's deliveries wait.
 *
 * Direct: they go from the stream to the socket. Spilled: the stream appends them to the ledger, and the lane sends
 * what it reads back from there, in order, until nothing is left; then it is direct again.
 */
export class Lane {
  readonly #ports: LanePorts
  readonly #stepMs: number
  readonly #waiting = new Fifo<Delivery>()
  readonly #ready: Delivery[] = []
  readonly #due: Parcel[] = []
  readonly #inFlight = new Set<Parcel>()
  readonly #queue: PQueue
  readonly #ledger: LaneLedger
  #gate: RowGate<Delivery>
  #gated: boolean
  #subscriber: Subscriber
  #health: LaneHealth
  #mode: 'direct' | 'spilled' = 'direct'
  #pausedUntil = 0
  #closing = false
  #removed = false

  constructor(subscriber: Subscriber, ports: LanePorts, stepMs: number) {
    this.#ports = ports
    this.#subscriber = subscriber
    this.#stepMs = stepMs
    this.#health = new LaneHealth(subscriber.concurrency)
    this.#gate = new RowGate({ shared: subscriber.ordering === 'subscriber' })
    this.#gated = subscriber.ordering !== 'none'
    this.#queue = new PQueue({ concurrency: subscriber.concurrency, ...pace(subscriber) })
    if (subscriber.rateLimit !== null) this.#queue.addEventListener('next', () => this.pump())
    this.#ledger = new LaneLedger(subscriber.id, ports, {
      load: (delivery) => this.#load(delivery),
      loadDue: (parcel) => this.#loadDue(parcel),
      drained: () => this.#becomeDirect(),
      pump: () => this.pump(),
    })
  }

  get subscriber(): Subscriber {
    return this.#subscriber
  }

  get mode(): 'direct' | 'spilled' {
    return this.#mode
  }

  /** Deliveries from the stream that wait in memory, untouched. */
  get backlog(): number {
    return this.#waiting.length + this.#gate.blocked
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Nothing in memory, nothing in the ledger: the lane can be forgotten. */
  get isIdle(): boolean {
    return (
      this.#mode === 'direct' &&
      this.#inFlight.size === 0 &&
      this.backlog === 0 &&
      this.#due.length === 0 &&
      this.#ledger.isEmpty &&
      this.#gate.parked === 0 &&
      this.#health.failures === 0
    )
  }

  /** Takes a delivery from the stream. */
  offer(delivery: Delivery): void {
    if (this.#removed) return delivery.tracker?.settle()
    if (this.#mode === 'direct' && !this.#isOpen()) this.spill('not sending')
    if (this.#mode === 'spilled') {
      this.#ledger.append(delivery)
      return
    }
    this.#waiting.push(delivery)
    this.#ports.held(weightOf(delivery))
    this.pump()
  }

  /** Starts what may start now. Cheap to call at any time. */
  pump(): void {
    if (!this.#isOpen() || this.#closing || this.#ledger.isRecovering || !this.#ports.mayStart()) return
    const now = this.#ports.now()
    if (now < this.#pausedUntil || now < this.#health.probeAt) return
    while (this.#inFlight.size < this.#health.window && this.#queue.size === 0) {
      const parcel = this.#due.shift() ?? this.#nextParcel(now)
      if (parcel === null) break
      this.#launch(parcel)
      if (this.#health.inOutage) return
    }
    const isDry = this.#waiting.length === 0 && this.#gate.blocked === 0 && this.#due.length === 0
    if (this.#mode === 'spilled' && isDry && !this.#isHeldBack()) this.#ledger.readFresh(this.#gate.parkedKeys())
  }

  /** Looks at the clock: retries that are due, pauses that ended, deliveries that waited too long. */
  sweep(spillAfterMs: number): void {
    const now = this.#ports.now()
    if (this.#mode === 'direct' && this.#oldestUnstored() < now - spillAfterMs) this.spill('slow')
    if (this.#due.length === 0 && this.#isOpen() && !this.#closing && now >= this.#pausedUntil) this.#ledger.readDue()
    this.pump()
  }

  /** Moves everything that is not in flight to the ledger, and what is in flight as well, to release the WAL. */
  spill(reason: string): void {
    if (this.#mode === 'direct') this.#ports.observer.modeChanged(this.#subscriber.id, 'spilled', reason)
    this.#mode = 'spilled'
    for (const delivery of this.#underway()) this.#ledger.keep(delivery)
    this.#ready.length = 0
    for (const delivery of this.#gate.evict()) this.#toLedger(delivery)
    for (const delivery of this.#waiting.drain()) this.#toLedger(delivery)
    this.#ledger.rescan()
    this.#gate.clearShadows()
  }

  /** Starts from what an earlier run, an operator or a replay left in the ledger. */
  recover(reason: string): void {
    this.spill(reason)
    this.#ledger.recover(this.#gated ? this.#gate : null)
    this.pump()
  }

  /** Takes over the subscriber's new row. */
  update(subscriber: Subscriber): void {
    const before = this.#subscriber
    this.#subscriber = subscriber
    this.#health.concurrency = subscriber.concurrency
    this.#queue.concurrency = subscriber.concurrency
    if (subscriber.ordering !== before.ordering) {
      this.spill('ordering changed')
      this.#gate = new RowGate({ shared: subscriber.ordering === 'subscriber' })
      this.#gated = subscriber.ordering !== 'none'
      this.#ledger.recover(this.#gated ? this.#gate : null)
    }
    if (subscriber.url !== before.url || !isSendable(before)) {
      this.#health.reset()
      this.#pausedUntil = 0
    }
    this.pump()
  }

  /** The subscriber is gone: what waits is cancelled; what is in flight may still arrive. */
  remove(): void {
    this.#removed = true
    for (const delivery of [...this.#gate.evict(), ...this.#waiting.drain()]) {
      this.#ports.held(-weightOf(delivery))
      delivery.tracker?.settle()
      delivery.tracker = null
    }
    this.#ready.length = 0
    for (const parcel of this.#due.splice(0)) {
      for (const delivery of parcel.deliveries) this.#ports.held(-weightOf(delivery))
    }
  }

  /** Starts nothing any more and stores what waits. */
  close(): void {
    this.#closing = true
    this.#ready.length = 0
    for (const delivery of this.#gate.evict()) this.#toLedger(delivery)
    for (const delivery of this.#waiting.drain()) this.#toLedger(delivery)
  }

  /** Stores what is still in flight, at the end of a drain. */
  abandon(): void {
    for (const delivery of this.#underway()) this.#ledger.keep(delivery)
  }

  /** What is neither settled nor stored, for the progress record. Null where there is nothing. */
  debt(): LaneDebt | null {
    const ids: string[] = []
    for (const delivery of this.#underway()) if (!delivery.stored) ids.push(delivery.id)
    for (const delivery of this.#gate.waiting()) if (!delivery.stored) ids.push(delivery.id)
    let from: Delivery | null = null
    for (const delivery of this.#waiting) {
      if (delivery.stored) continue
      from = delivery
      break
    }
    return from === null && ids.length === 0 ? null : { from, ids }
  }

  #isOpen(): boolean {
    return !this.#removed && isSendable(this.#subscriber)
  }

  #load(delivery: Delivery): void {
    this.#waiting.push(delivery)
    this.#ports.held(weightOf(delivery))
  }

  #loadDue(parcel: Parcel): void {
    this.#due.push(parcel)
    for (const delivery of parcel.deliveries) this.#ports.held(weightOf(delivery))
  }

  /** Deliveries that are in flight or packed to go. */
  *#underway(): Iterable<Delivery> {
    for (const parcel of this.#inFlight) yield* parcel.deliveries
    for (const parcel of this.#due) yield* parcel.deliveries
  }

  #becomeDirect(): void {
    this.#mode = 'direct'
    this.#ports.observer.modeChanged(this.#subscriber.id, 'direct', 'caught up')
  }

  /** Too many rows wait for a next attempt, or the one order that there is does. */
  #isHeldBack(): boolean {
    return this.#gate.parked >= (this.#subscriber.ordering === 'subscriber' ? 1 : MOST_PARKED)
  }

  #nextParcel(now: number): Parcel | null {
    if (this.#isHeldBack()) return null
    const { batchSize, batchWaitMs } = this.#subscriber
    if (batchSize > 1 && this.#ready.length === 0 && this.#waiting.length < batchSize) {
      const oldest = this.#waiting.peek()
      if (oldest === undefined || oldest.receivedAt > now - batchWaitMs) return null
    }
    const holder = {}
    const deliveries: Delivery[] = []
    while (deliveries.length < batchSize) {
      const delivery = this.#nextDelivery(holder, deliveries.at(-1))
      if (delivery === null) break
      deliveries.push(delivery)
    }
    return deliveries.length === 0 ? null : packParcel(deliveries, { isBatch: batchSize > 1, isRetry: false })
  }

  #nextDelivery(holder: object, previous: Delivery | undefined): Delivery | null {
    const next = previous && this.#gated ? this.#gate.following(previous, holder) : null
    const ready = next ?? this.#ready.shift()
    if (ready !== undefined) {
      if (next !== null && this.#ready.includes(next)) this.#ready.splice(this.#ready.indexOf(next), 1)
      this.#gate.take(ready, holder)
      return ready
    }
    while (this.#waiting.length > 0 && this.#gate.blocked < MOST_BLOCKED) {
      const delivery = this.#waiting.shift()!
      if (!this.#gated) return delivery
      const verdict = this.#gate.admit(delivery, holder)
      if (verdict === 'go') return delivery
      if (verdict === 'parked') this.#toLedger(delivery)
    }
    return null
  }

  #launch(parcel: Parcel): void {
    this.#inFlight.add(parcel)
    void this.#queue.add(async () => {
      this.#finish(parcel, await this.#ports.attempt(parcel, this.#subscriber))
    })
  }

  #finish(parcel: Parcel, result: AttemptResult): void {
    const { outcome } = result
    this.#ports.observer.attempted(parcel, this.#subscriber, result)
    if (outcome.kind === 'uncharged') {
      this.#inFlight.delete(parcel)
      this.#due.unshift(parcel)
      this.#pausedUntil = this.#ports.now() + outcome.afterMs
      return
    }
    this.#inFlight.delete(parcel)
    if (outcome.kind === 'delivered') this.#health.success()
    else this.#health.failure(this.#ports.now(), this.#stepMs || DEFAULT_STEP_MS)
    for (const delivery of parcel.deliveries) this.#conclude(delivery, parcel, result)
    if (outcome.kind === 'retry' && outcome.pauseMs > 0) this.#pausedUntil = this.#ports.now() + outcome.pauseMs
    if (outcome.kind === 'gone') this.#disable(outcome.reason)
    if (outcome.kind === 'dead' && outcome.disable !== null) this.#disable(outcome.disable)
    this.pump()
  }

  #conclude(delivery: Delivery, parcel: Parcel, result: AttemptResult): void {
    const { outcome } = result
    this.#ports.held(-weightOf(delivery))
    delivery.attempts++
    if (outcome.kind === 'delivered' || outcome.kind === 'dead' || this.#removed) {
      const state = outcome.kind === 'delivered' || outcome.kind === 'dead' ? outcome.kind : 'cancelled'
      this.#ports.ledger.settle(delivery, state, result)
      this.#ledger.forget(delivery)
      this.#letFollow(delivery, parcel)
      return
    }
    if (parcel.isBatch) delivery.batchId = parcel.id
    const dueAtMs = result.atMs + (outcome.kind === 'retry' ? outcome.afterMs : 0)
    this.#ports.ledger.postpone(delivery, result, dueAtMs)
    this.#ledger.forget(delivery)
    this.#ledger.expectDue(dueAtMs)
    if (this.#gated && !parcel.isRetry) for (const behind of this.#gate.park(delivery)) this.#toLedger(behind)
    this.#dropReady()
  }

  /** Lets the next change of the row go, wherever it waits. */
  #letFollow(delivery: Delivery, parcel: Parcel): void {
    if (!this.#gated) return
    if (!parcel.isRetry) {
      this.#ready.push(...this.#gate.release(delivery))
      return
    }
    this.#gate.unpark(delivery)
    this.#ledger.concluded(delivery)
    if (this.#ledger.hasFollowers) this.spill('following a retried row')
  }

  #dropReady(): void {
    if (this.#ready.length === 0) return
    const waiting = new Set(this.#gate.waiting())
    for (let at = this.#ready.length - 1; at >= 0; at--) if (!waiting.has(this.#ready[at]!)) this.#ready.splice(at, 1)
  }

  #toLedger(delivery: Delivery): void {
    this.#ports.held(-weightOf(delivery))
    this.#ledger.giveBack(delivery)
  }

  #disable(reason: string): void {
    if (this.#subscriber.disabledReason !== null) return
    this.#subscriber = { ...this.#subscriber, disabledReason: reason }
    this.#ports.ledger.disable(this.#subscriber.id, reason)
    this.#ports.observer.disabled(this.#subscriber.id, reason)
    this.spill('disabled')
  }

  #oldestUnstored(): number {
    let oldest = Infinity
    for (const { stored, receivedAt } of this.#underway()) if (!stored) oldest = Math.min(oldest, receivedAt)
    for (const { stored, receivedAt } of this.#gate.waiting()) if (!stored) oldest = Math.min(oldest, receivedAt)
    const next = this.#waiting.peek()
    return next !== undefined && !next.stored ? Math.min(oldest, next.receivedAt) : oldest
  }
}

function isSendable(subscriber: Subscriber): boolean {
  return subscriber.active && subscriber.disabledReason === null
}

function pace(subscriber: Subscriber): { intervalCap?: number; interval?: number } {
  if (subscriber.rateLimit === null) return {}
  if (subscriber.rateLimit >= 10) return { intervalCap: Math.floor(subscriber.rateLimit / 10), interval: 100 }
  return { intervalCap: 1, interval: Math.ceil(1000 / subscriber.rateLimit) }
}
