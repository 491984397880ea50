import type { Subscriber } from '../subscriptions/subscriber.ts'
import type { Delivery, Parcel } from './delivery.ts'
import { LaneBacklog } from './lane-backlog.ts'
import type { LaneDebt } from './lane-debt.ts'
import { debtOf, oldestUnstored } from './lane-debt.ts'
import { LaneLedger } from './lane-ledger.ts'
import { LaneThrottle } from './lane-throttle.ts'
import { packParcel } from './parcel.ts'
import type { AttemptResult, LanePorts } from './ports.ts'

/** What a direct lane may keep waiting at most before reading pauses for it: enough to be busy, and soon gone. */
const FULL = 256
const FULL_BATCHES = 4
const MOST_FRESH = 200
const MOST_DUE = 50

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
  readonly #throttle: LaneThrottle
  readonly #ledger: LaneLedger
  #backlog: LaneBacklog
  #subscriber: Subscriber
  #mode: 'direct' | 'spilled' = 'direct'
  #isClosing = false
  #isPumpingSoon = false
  #isRemoved = false
  /** Disabled here, and the row that says so has not come back yet: rows written before it do not resume the lane. */
  #awaitsOwnRow = false
  /** The ordering has changed: nothing starts until what is in flight under the old one has ended. */
  #isReordering = false

  constructor(subscriber: Subscriber, ports: LanePorts, stepMs: number) {
    this.#ports = ports
    this.#subscriber = subscriber
    this.#backlog = new LaneBacklog(subscriber.ordering)
    this.#throttle = new LaneThrottle(subscriber, stepMs, () => this.pump())
    this.#ledger = new LaneLedger(subscriber.id, ports, {
      load: (delivery) => this.#backlog.push(delivery),
      loadDue: (parcel) => void this.#due.push(parcel),
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

  /** Reading should pause for it. */
  get isFull(): boolean {
    return this.#backlog.length >= this.#limit
  }

  /** Reading need not pause for it any longer. */
  get hasRoom(): boolean {
    return this.#backlog.length <= this.#limit / 2
  }

  /** It could send more, and there is nothing. */
  get isHungry(): boolean {
    return this.#backlog.length === 0 && this.#throttle.hasWindow(this.#inFlight.size)
  }

  /** Bytes of everything this lane has in memory. */
  get heldBytes(): number {
    return this.#ledger.heldBytes
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

  /** Nothing is in flight or about to be: all that is left are retries to come, or it may not send. */
  get isResting(): boolean {
    if (!this.#isEmpty || this.#ledger.isBusy) return false
    return this.#mode === 'direct' || this.#isHeldBack || !this.#mayGo(this.#ports.now()) || this.#throttle.inOutage
  }

  /** Idle, and with nothing to remember: a new lane would do the same. */
  get isForgettable(): boolean {
    return this.isIdle && this.#throttle.hasNothingToRemember
  }

  /** Takes a delivery from the stream. */
  offer(delivery: Delivery): void {
    if (this.#mode === 'direct' && !this.#isOpen) this.spill('not sending')
    if (this.#mode === 'spilled' || this.#isClosing) return this.#ledger.append(delivery)
    this.#ledger.hold(delivery)
    this.#backlog.push(delivery)
    if (this.#backlog.length >= this.#subscriber.batchSize) this.pump()
    else this.#pumpSoon()
  }

  /** Starts what may start now. Cheap to call at any time. */
  pump(): void {
    if (!this.#throttle.hasWindow(this.#inFlight.size)) return
    const now = this.#ports.now()
    if (!this.#mayGo(now)) return
    while (this.#throttle.hasWindow(this.#inFlight.size)) {
      const parcel = this.#due.shift() ?? this.#nextParcel(now)
      if (parcel === null) break
      this.#inFlight.add(parcel)
      this.#throttle.start(() => this.#run(parcel))
      if (this.#throttle.inOutage || !this.#inFlight.has(parcel)) return
    }
    if (this.#mode === 'spilled') this.#readOn()
  }

  /** What is read in this turn of the event loop shall travel together. */
  #pumpSoon(): void {
    if (this.#isPumpingSoon) return
    this.#isPumpingSoon = true
    setImmediate(() => {
      this.#isPumpingSoon = false
      this.pump()
    })
  }

  /** Looks at the clock: retries that are due, pauses that ended, deliveries that waited too long. */
  sweep(spillAfterMs: number): void {
    const now = this.#ports.now()
    if (this.#mode === 'direct' && oldestUnstored(this.#parcels(), this.#backlog) < now - spillAfterMs)
      this.spill('slow')
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
    for (const delivery of this.#backlog.takeAll()) this.#ledger.giveBack(delivery)
    this.#ledger.rescan()
    this.#backlog.clearShadows()
  }

  /** Starts from what an earlier run, an operator or a replay left in the ledger. */
  recover(reason: string): void {
    this.spill(reason)
    this.#ledger.recover()
  }

  /** Takes over the subscriber's new row; `stepMs` is the first delay of its retry schedule. */
  update(row: Subscriber, stepMs: number): void {
    const before = this.#subscriber
    if (row.disabledReason !== null) this.#awaitsOwnRow = false
    const subscriber = this.#awaitsOwnRow ? { ...row, disabledReason: before.disabledReason } : row
    this.#subscriber = subscriber
    this.#throttle.update(subscriber, stepMs)
    if (subscriber.url !== before.url || !isSendable(before)) this.#throttle.reset()
    if (subscriber.ordering !== before.ordering) this.#reorder()
    if (!this.#isOpen) this.#retreat('not sending')
    else if (!isSendable(before)) this.recover('resumed')
    this.pump()
  }

  /** The subscriber is gone: what waits is cancelled; what is in flight may still arrive. */
  remove(): void {
    this.#isRemoved = true
    this.#ledger.close()
    for (const delivery of this.#backlog.takeAll()) this.#ledger.cancel(delivery)
    this.#dropDue()
  }

  /** Starts nothing any more and stores what waits. */
  close(): void {
    this.#isClosing = true
    this.#ledger.close()
    for (const delivery of this.#backlog.takeAll()) this.#ledger.giveBack(delivery)
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

  get #limit(): number {
    return Math.max(Math.min(FULL, this.#ports.share()), FULL_BATCHES * this.#subscriber.batchSize)
  }

  get #isOpen(): boolean {
    return !this.#isRemoved && isSendable(this.#subscriber)
  }

  get #isEmpty(): boolean {
    return this.#inFlight.size === 0 && this.#backlog.length === 0 && this.#due.length === 0
  }

  #mayGo(now: number): boolean {
    if (!this.#isOpen || this.#isClosing || this.#isReordering || this.#ledger.isRecovering) return false
    if (this.#mode === 'spilled' && !this.#ports.hasCaughtUp()) return false
    return this.#throttle.isOpen(now) && this.#ports.mayStart()
  }

  /** Parcels in flight or packed to go. */
  *#parcels(): Iterable<Parcel> {
    yield* this.#inFlight
    yield* this.#due
  }

  #becomeDirect(): void {
    this.#mode = 'direct'
    this.#ports.observer.modeChanged(this.#subscriber.id, 'direct', 'caught up')
  }

  get #isHeldBack(): boolean {
    return this.#backlog.isHeldBack || !this.#ledger.knowsAllParked
  }

  #readOn(): void {
    const isBusy = !this.#throttle.hasWindow(this.#inFlight.size) || this.#backlog.length > 0 || this.#due.length > 0
    if (isBusy || this.#isHeldBack) return
    const limit = this.#appetite(MOST_FRESH)
    if (limit > 0) this.#ledger.readFresh(this.#backlog.parkedKeys(), limit)
  }

  #appetite(most: number): number {
    const { batchSize } = this.#subscriber
    if (!this.#ports.hasRoom()) return this.#inFlight.size === 0 ? batchSize : 0
    return Math.max(batchSize, this.#throttle.pageSize(most))
  }

  #nextParcel(now: number): Parcel | null {
    const { batchSize, batchWaitMs } = this.#subscriber
    if (this.#isHeldBack || !this.#backlog.isRipe(batchSize, now - batchWaitMs)) return null
    const deliveries = this.#backlog.next(batchSize, (delivery) => this.#ledger.giveBack(delivery))
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
    const { kind } = result.outcome
    const now = this.#ports.now()
    this.#ports.observer.attempted(parcel, this.#subscriber, result)
    this.#throttle.learn(result.outcome, now, !parcel.isRetry)
    if (kind === 'uncharged') {
      this.#withdraw(parcel)
    } else {
      this.#inFlight.delete(parcel)
      if (kind === 'delivered' || kind === 'dead' || this.#isRemoved) this.#settle(parcel, result)
      else this.#postpone(parcel, result)
      this.#judge(result.outcome, now)
    }
    if (this.#isReordering) this.#reorder()
    this.pump()
  }

  #settle(parcel: Parcel, result: AttemptResult): void {
    const { kind } = result.outcome
    const state = kind === 'delivered' || kind === 'dead' ? kind : 'cancelled'
    for (const delivery of parcel.deliveries) {
      this.#ledger.settle(delivery, state, result)
      if (parcel.isRetry) this.#backlog.unpark(delivery)
    }
    if (!parcel.isRetry) this.#backlog.release(parcel.deliveries)
    else if (this.#backlog.isOrdered && this.#ledger.hasFollowers) this.spill('following a retried row')
  }

  #postpone(parcel: Parcel, result: AttemptResult): void {
    const { answer, outcome, atMs } = result
    const dueAtMs = atMs + answer.durationMs + (outcome.kind === 'retry' ? outcome.afterMs : 0)
    for (const delivery of parcel.deliveries) {
      if (parcel.isBatch) delivery.batchId = parcel.id
      this.#ledger.postpone(delivery, result, dueAtMs)
      if (parcel.isRetry) continue
      for (const behind of this.#backlog.park(delivery)) this.#ledger.giveBack(behind)
    }
  }

  /** What an outcome means for the subscriber as a whole. */
  #judge(outcome: AttemptResult['outcome'], now: number): void {
    if (outcome.kind === 'delivered') return
    if (outcome.kind === 'gone') this.#disable(outcome.reason)
    else if (outcome.kind === 'dead' && outcome.disable !== null) this.#disable(outcome.disable)
    else if (this.#throttle.isHopeless(now)) this.#disable('no delivery has succeeded for 5 days')
    if (this.#throttle.inOutage) this.#retreat('outage')
  }

  #disable(reason: string): void {
    if (this.#isRemoved || this.#subscriber.disabledReason !== null) return
    this.#subscriber = { ...this.#subscriber, disabledReason: reason }
    this.#awaitsOwnRow = true
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
        if (this.#isRemoved) this.#ledger.cancel(delivery)
        else if (parcel.isRetry) this.#ledger.giveBackDue(delivery)
        else this.#ledger.giveBack(delivery)
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
}

function isSendable(subscriber: Subscriber): boolean {
  return subscriber.active && subscriber.disabledReason === null
}
