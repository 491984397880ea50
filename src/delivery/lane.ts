import type { Subscriber } from '../subscriptions/subscriber.ts'
import type { Delivery, Parcel } from './delivery.ts'
import { LaneBacklog } from './lane-backlog.ts'
import type { LaneDebt } from './lane-debt.ts'
import { debtOf, oldestUnstored } from './lane-debt.ts'
import { LaneHealth } from './lane-health.ts'
import { LaneLedger } from './lane-ledger.ts'
import { LanePace } from './lane-pace.ts'
import { packParcel } from './parcel.ts'
import type { AttemptResult, LanePorts } from './ports.ts'
import { weightOf } from './ports.ts'

const MOST_FRESH = 200
const MOST_DUE = 50
/** The first delay assumed for canaries where a subscriber's own schedule is empty. */
const DEFAULT_STEP_MS = 5000

/**
 * Where one subscriber's deliveries wait.
 *
 * Direct: they go from the stream to the socket. Spilled: the stream appends them to the ledger, and the lane sends
 * what it reads back from there, in order, until nothing is left; then it is direct again.
 */
export class Lane {
  readonly #ports: LanePorts
  readonly #due: Parcel[] = []
  readonly #inFlight = new Set<Parcel>()
  readonly #pace: LanePace
  readonly #ledger: LaneLedger
  readonly #health: LaneHealth
  #stepMs: number
  #backlog: LaneBacklog
  #subscriber: Subscriber
  #mode: 'direct' | 'spilled' = 'direct'
  #heldBytes = 0
  #pausedUntil = 0
  #isClosing = false
  #isRemoved = false
  /** The ordering has changed: nothing starts until what is in flight under the old one has ended. */
  #isReordering = false

  constructor(subscriber: Subscriber, ports: LanePorts, stepMs: number) {
    this.#ports = ports
    this.#subscriber = subscriber
    this.#stepMs = stepMs
    this.#health = new LaneHealth(subscriber.concurrency)
    this.#backlog = new LaneBacklog(subscriber.ordering)
    this.#pace = new LanePace(subscriber.rateLimit, () => this.pump())
    this.#ledger = new LaneLedger(subscriber.id, ports, {
      load: (delivery) => this.#load(delivery),
      loadDue: (parcel) => this.#loadDue(parcel),
      parked: (items) => this.#backlog.parkOnly(items),
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

  /** Deliveries that wait in memory, not yet in flight. */
  get backlog(): number {
    return this.#backlog.length
  }

  /** Bytes of everything this lane has in memory. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Its subscriber is gone. */
  get isRemoved(): boolean {
    return this.#isRemoved
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Nothing in memory, nothing in the ledger. */
  get isIdle(): boolean {
    if (this.#isRemoved) return this.#inFlight.size === 0
    return this.#mode === 'direct' && this.#isEmpty && this.#ledger.isEmpty && this.#backlog.parked === 0
  }

  /** Nothing will happen until a delivery comes, or somebody changes the subscriber. */
  get isQuiet(): boolean {
    return this.isIdle || (!this.#isOpen && this.#isEmpty && !this.#ledger.isBusy)
  }

  /** Idle, and with nothing to remember: a new lane would do the same. */
  get isForgettable(): boolean {
    return this.isIdle && this.#health.failures === 0 && this.#health.isWell && this.#subscriber.rateLimit === null
  }

  /** Takes a delivery from the stream. */
  offer(delivery: Delivery): void {
    if (this.#mode === 'direct' && !this.#isOpen) this.spill('not sending')
    if (this.#mode === 'spilled' || this.#isClosing) return this.#ledger.append(delivery)
    this.#load(delivery)
    this.pump()
  }

  /** Starts what may start now. Cheap to call at any time. */
  pump(): void {
    const now = this.#ports.now()
    if (!this.#mayGo(now)) return
    while (this.#inFlight.size < this.#health.window && !this.#pace.isFull) {
      const parcel = this.#due.shift() ?? this.#nextParcel(now)
      if (parcel === null) break
      this.#inFlight.add(parcel)
      this.#pace.start(() => this.#run(parcel))
      if (this.#health.inOutage || !this.#inFlight.has(parcel)) return
    }
    if (this.#mode === 'spilled') this.#readOn()
  }

  /** Looks at the clock: retries that are due, pauses that ended, deliveries that waited too long. */
  sweep(spillAfterMs: number): void {
    const now = this.#ports.now()
    if (this.#mode === 'direct' && oldestUnstored(this.#parcels(), this.#backlog) < now - spillAfterMs) this.spill('slow')
    if (!this.#isOpen && this.#backlog.length + this.#due.length > 0) this.#retreat('not sending')
    if (this.#due.length === 0 && this.#mayGo(now)) {
      const limit = this.#appetite(MOST_DUE)
      if (limit > 0) this.#ledger.readDue(limit)
      this.#ledger.learnParked()
    }
    this.pump()
  }

  /** Moves what waits to the ledger; what is in flight is stored as well, to release the WAL, and goes on. */
  spill(reason: string): void {
    if (this.#isRemoved) return
    if (this.#mode === 'direct') this.#ports.observer.modeChanged(this.#subscriber.id, 'spilled', reason)
    this.#mode = 'spilled'
    for (const parcel of this.#parcels()) for (const delivery of parcel.deliveries) this.#ledger.keep(delivery)
    for (const delivery of this.#backlog.takeAll()) this.#giveBack(delivery)
    this.#ledger.rescan()
    this.#backlog.clearShadows()
  }

  /** Starts from what an earlier run, an operator or a replay left in the ledger. */
  recover(reason: string): void {
    this.spill(reason)
    this.#ledger.recover()
  }

  /** Takes over the subscriber's new row; `stepMs` is the first delay of its retry schedule. */
  update(subscriber: Subscriber, stepMs = this.#stepMs): void {
    const before = this.#subscriber
    this.#subscriber = subscriber
    this.#stepMs = stepMs
    this.#health.concurrency = subscriber.concurrency
    this.#pace.set(subscriber.rateLimit)
    if (subscriber.url !== before.url || !isSendable(before)) {
      this.#health.reset()
      this.#pausedUntil = 0
    }
    if (subscriber.ordering !== before.ordering) this.#reorder()
    if (!this.#isOpen) this.#retreat('not sending')
    else if (!isSendable(before)) this.recover('resumed')
    this.pump()
  }

  /** The subscriber is gone: what waits is cancelled; what is in flight may still arrive. */
  remove(): void {
    this.#isRemoved = true
    this.#ledger.close()
    for (const delivery of this.#backlog.takeAll()) this.#cancel(delivery)
    this.#dropDue()
  }

  /** Starts nothing any more and stores what waits. */
  close(): void {
    this.#isClosing = true
    this.#ledger.close()
    for (const delivery of this.#backlog.takeAll()) this.#giveBack(delivery)
    this.#dropDue()
  }

  /** Stores what is still in flight, at the end of a drain. */
  abandon(): void {
    for (const parcel of this.#parcels()) for (const delivery of parcel.deliveries) this.#ledger.keep(delivery)
  }

  /** What is neither settled nor stored, for the progress record. Null where there is nothing. */
  debt(): LaneDebt | null {
    return debtOf(this.#parcels(), this.#backlog)
  }

  get #isOpen(): boolean {
    return !this.#isRemoved && isSendable(this.#subscriber)
  }

  get #isEmpty(): boolean {
    return this.#inFlight.size === 0 && this.#backlog.length === 0 && this.#due.length === 0
  }

  #mayGo(now: number): boolean {
    if (!this.#isOpen || this.#isClosing || this.#isReordering || this.#ledger.isRecovering) return false
    return now >= this.#pausedUntil && now >= this.#health.probeAt && this.#ports.mayStart()
  }

  /** Parcels in flight or packed to go. */
  *#parcels(): Iterable<Parcel> {
    yield* this.#inFlight
    yield* this.#due
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes
    this.#ports.held(bytes)
  }

  #load(delivery: Delivery): void {
    this.#backlog.push(delivery)
    this.#hold(weightOf(delivery))
  }

  #loadDue(parcel: Parcel): void {
    this.#due.push(parcel)
    for (const delivery of parcel.deliveries) this.#hold(weightOf(delivery))
  }

  #becomeDirect(): void {
    this.#mode = 'direct'
    this.#ports.observer.modeChanged(this.#subscriber.id, 'direct', 'caught up')
  }

  get #isHeldBack(): boolean {
    return this.#backlog.isHeldBack || !this.#ledger.knowsAllParked
  }

  #readOn(): void {
    const isBusy = this.#inFlight.size >= this.#health.window || this.#backlog.length > 0 || this.#due.length > 0
    if (isBusy || this.#isHeldBack) return
    const limit = this.#appetite(MOST_FRESH)
    if (limit > 0) this.#ledger.readFresh(this.#backlog.parkedKeys(), limit)
  }

  /** How much to read back: little from behind an endpoint that fails, so that many of those do not fill the memory. */
  #appetite(most: number): number {
    const { batchSize } = this.#subscriber
    if (!this.#ports.hasRoom()) return this.#inFlight.size === 0 ? batchSize : 0
    return Math.max(batchSize, this.#health.isWell ? most : Math.min(most, this.#health.window * 4))
  }

  #nextParcel(now: number): Parcel | null {
    const { batchSize, batchWaitMs } = this.#subscriber
    if (this.#isHeldBack || !this.#backlog.isRipe(batchSize, now - batchWaitMs)) return null
    const deliveries = this.#backlog.next(batchSize, (delivery) => this.#giveBack(delivery))
    return deliveries.length === 0 ? null : packParcel(deliveries, { isBatch: batchSize > 1, isRetry: false })
  }

  async #run(parcel: Parcel): Promise<void> {
    if (this.#mayGo(this.#ports.now())) this.#finish(parcel, await this.#ports.attempt(parcel, this.#subscriber))
    else this.#withdraw(parcel)
  }

  /** The parcel was not sent: it goes again, or back to where it came from. */
  #withdraw(parcel: Parcel): void {
    this.#inFlight.delete(parcel)
    this.#due.unshift(parcel)
    if (!this.#isOpen) this.#retreat('not sending')
    if (this.#isClosing) this.#dropDue()
    if (this.#isReordering) this.#reorder()
  }

  #finish(parcel: Parcel, result: AttemptResult): void {
    const { outcome } = result
    const now = this.#ports.now()
    this.#ports.observer.attempted(parcel, this.#subscriber, result)
    if (outcome.kind === 'uncharged') {
      this.#withdraw(parcel)
      this.#pausedUntil = Math.max(this.#pausedUntil, now + outcome.afterMs)
    } else {
      this.#inFlight.delete(parcel)
      if (outcome.kind === 'delivered') this.#health.success()
      else this.#fail(parcel, now)
      if (outcome.kind === 'delivered' || outcome.kind === 'dead' || this.#isRemoved) this.#settle(parcel, result)
      else this.#postpone(parcel, result)
      if (outcome.kind === 'retry' && outcome.pauseMs > 0) {
        this.#pausedUntil = Math.max(this.#pausedUntil, now + outcome.pauseMs)
      }
      this.#judge(outcome, now)
    }
    if (this.#isReordering) this.#reorder()
    this.pump()
  }

  #fail(parcel: Parcel, now: number): void {
    this.#health.failure(now, { stepMs: this.#stepMs || DEFAULT_STEP_MS, isFirst: !parcel.isRetry })
  }

  #settle(parcel: Parcel, result: AttemptResult): void {
    const { kind } = result.outcome
    const state = kind === 'delivered' || kind === 'dead' ? kind : 'cancelled'
    for (const delivery of parcel.deliveries) {
      this.#hold(-weightOf(delivery))
      delivery.attempts++
      this.#ports.ledger.settle(delivery, state, result)
      this.#ledger.ended(delivery, true)
      if (parcel.isRetry) this.#backlog.unpark(delivery)
    }
    if (!parcel.isRetry) this.#backlog.release(parcel.deliveries)
    else if (this.#backlog.isOrdered && this.#ledger.hasFollowers) this.spill('following a retried row')
  }

  #postpone(parcel: Parcel, result: AttemptResult): void {
    const { answer, outcome, atMs } = result
    const dueAtMs = atMs + answer.durationMs + (outcome.kind === 'retry' ? outcome.afterMs : 0)
    for (const delivery of parcel.deliveries) {
      this.#hold(-weightOf(delivery))
      delivery.attempts++
      if (parcel.isBatch) delivery.batchId = parcel.id
      this.#ports.ledger.postpone(delivery, result, dueAtMs)
      this.#ledger.ended(delivery, false)
      if (parcel.isRetry) continue
      for (const behind of this.#backlog.park(delivery)) this.#giveBack(behind)
    }
    this.#ledger.expectDue(dueAtMs)
  }

  /** What an outcome means for the subscriber as a whole. */
  #judge(outcome: AttemptResult['outcome'], now: number): void {
    if (outcome.kind === 'delivered') return
    if (outcome.kind === 'gone') this.#disable(outcome.reason)
    else if (outcome.kind === 'dead' && outcome.disable !== null) this.#disable(outcome.disable)
    else if (this.#health.isHopeless(now)) this.#disable('no delivery has succeeded for 5 days')
    if (this.#health.inOutage) this.#retreat('outage')
  }

  #disable(reason: string): void {
    if (this.#isRemoved || this.#subscriber.disabledReason !== null) return
    this.#subscriber = { ...this.#subscriber, disabledReason: reason }
    this.#ports.ledger.disable(this.#subscriber.id, reason)
    this.#ports.observer.disabled(this.#subscriber.id, reason)
    this.#retreat('disabled')
  }

  /** Leaves everything but what is in flight to the ledger, so that a lane that cannot send holds no memory. */
  #retreat(reason: string): void {
    this.spill(reason)
    this.#dropDue()
  }

  /** Only after everything that waits has left the memory, for else it could overtake what is dropped here. */
  #dropDue(): void {
    for (const parcel of this.#due.splice(0)) {
      if (!parcel.isRetry) this.#backlog.release(parcel.deliveries)
      for (const delivery of parcel.deliveries) {
        if (this.#isRemoved) this.#cancel(delivery)
        else if (!parcel.isRetry) this.#giveBack(delivery)
        else {
          this.#hold(-weightOf(delivery))
          this.#ledger.giveBackDue(delivery)
        }
      }
    }
  }

  #reorder(): void {
    this.#isReordering = true
    this.#retreat('ordering changed')
    if (this.#inFlight.size > 0) return
    this.#isReordering = false
    this.#backlog = new LaneBacklog(this.#subscriber.ordering)
    this.#ledger.recover()
  }

  #giveBack(delivery: Delivery): void {
    this.#hold(-weightOf(delivery))
    this.#ledger.giveBack(delivery)
  }

  /** Of a removed subscriber: the janitor cancels what is stored. */
  #cancel(delivery: Delivery): void {
    this.#hold(-weightOf(delivery))
    if (!delivery.stored) this.#ports.ledger.settle(delivery, 'cancelled', null)
  }
}

function isSendable(subscriber: Subscriber): boolean {
  return subscriber.active && subscriber.disabledReason === null
}
