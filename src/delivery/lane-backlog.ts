import type { Ordering } from '../subscriptions/subscriber.ts'
import type { Delivery } from './delivery.ts'
import { Fifo } from './fifo.ts'
import type { Keyed } from './row-gate.ts'
import { RowGate } from './row-gate.ts'

/** Deliveries that may wait behind others of their rows; beyond, those of other rows wait too. */
const MOST_BLOCKED = 500
const MOST_PARKED = 1000

/** What waits in a lane's memory, in order: the untouched, and what waits behind an earlier change of its row. */
export class LaneBacklog {
  readonly #waiting = new Fifo<Delivery>()
  /** Null where no order is asked for. */
  readonly #gate: RowGate<Delivery> | null
  /** Those behind the gate that may go now. */
  readonly #ready = new Set<Delivery>()
  readonly #mostParked: number

  constructor(ordering: Ordering) {
    this.#gate = ordering === 'none' ? null : new RowGate({ shared: ordering === 'subscriber' })
    this.#mostParked = ordering === 'subscriber' ? 1 : MOST_PARKED
  }

  /** Whether deliveries of one row wait for each other. */
  get isOrdered(): boolean {
    return this.#gate !== null
  }

  get length(): number {
    return this.#waiting.length + (this.#gate?.blocked ?? 0)
  }

  /** Rows that wait for a failed delivery's next attempt. */
  get parked(): number {
    return this.#gate?.parked ?? 0
  }

  /** Too many rows wait for a next attempt, or the one order that there is does. */
  get isHeldBack(): boolean {
    return this.parked >= this.#mostParked
  }

  push(delivery: Delivery): void {
    this.#waiting.push(delivery)
  }

  /** Whether a parcel of `size` is full, or its first delivery came in before `since`. */
  isRipe(size: number, since: number): boolean {
    if (size === 1 || this.#ready.size > 0 || this.#waiting.length >= size) return true
    const oldest = this.#waiting.peek()
    return oldest !== undefined && oldest.receivedAt <= since
  }

  /** Up to `size` deliveries that may go together now; `parked` is told of those that have to be stored instead. */
  next(size: number, parked: (delivery: Delivery) => void): Delivery[] {
    const holder = {}
    const deliveries: Delivery[] = []
    while (deliveries.length < size) {
      const next = this.#nextReady(holder, deliveries.at(-1)) ?? this.#nextWaiting(holder, parked)
      if (next === null) break
      deliveries.push(next)
    }
    return deliveries
  }

  /** The deliveries of one parcel have ended: what waited behind them may go. */
  release(deliveries: readonly Delivery[]): void {
    if (this.#gate === null) return
    for (const next of this.#gate.release(deliveries)) this.#ready.add(next)
  }

  /** A first attempt failed: returns what waited behind it and has to be stored. */
  park(delivery: Delivery): Delivery[] {
    if (this.#gate === null) return []
    const behind = this.#gate.park(delivery)
    for (const evicted of behind) this.#ready.delete(evicted)
    return behind
  }

  /** These, and no others, wait for their next attempt. */
  parkOnly(items: Iterable<Keyed>): void {
    this.#gate?.unparkAll()
    for (const item of items) this.#gate?.parkStored(item)
  }

  unpark(delivery: Delivery): void {
    this.#gate?.unpark(delivery)
  }

  clearShadows(): void {
    this.#gate?.clearShadows()
  }

  /** Keys of rows that a scan of the ledger can leave out. */
  parkedKeys(): readonly string[] {
    return this.#gate?.parkedKeys() ?? []
  }

  /** Takes out everything that waits. */
  takeAll(): Delivery[] {
    this.#ready.clear()
    return [...(this.#gate?.evict() ?? []), ...this.#waiting.drain()]
  }

  /** What waits behind others of its row. */
  blocked(): Iterable<Delivery> {
    return this.#gate?.waiting() ?? []
  }

  /** The untouched that no row of the ledger answers for, in order. */
  *unstored(): Iterable<Delivery> {
    for (const delivery of this.#waiting) if (!delivery.stored) yield delivery
  }

  #nextReady(holder: object, previous: Delivery | undefined): Delivery | null {
    if (this.#gate === null || this.#gate.blocked === 0) return null
    const following = previous === undefined ? null : this.#gate.following(previous, holder)
    const ready = following ?? this.#ready.values().next().value ?? null
    if (ready === null) return null
    this.#ready.delete(ready)
    this.#gate.take(ready, holder)
    return ready
  }

  #nextWaiting(holder: object, parked: (delivery: Delivery) => void): Delivery | null {
    while (this.#waiting.length > 0) {
      if (this.#gate === null) return this.#waiting.shift()!
      if (this.#gate.blocked >= MOST_BLOCKED) break
      const delivery = this.#waiting.shift()!
      const verdict = this.#gate.admit(delivery, holder)
      if (verdict === 'go') return delivery
      if (verdict === 'parked') parked(delivery)
    }
    return null
  }
}
