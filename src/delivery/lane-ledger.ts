import type { Delivery, Parcel } from './delivery.ts'
import { packParcel } from './parcel.ts'
import type { Cursor, DueDeliveries, FreshDeliveries, LanePorts } from './ports.ts'
import { weightOf } from './ports.ts'
import type { RowGate } from './row-gate.ts'

const FRESH_LIMIT = 200
const DUE_LIMIT = 50
const MOST_RECENT = 1000
const MOST_RECENT_BYTES = 1024 * 1024

interface Callbacks {
  load(delivery: Delivery): void
  loadDue(parcel: Parcel): void
  /** Everything in the ledger is in memory or parked. */
  drained(): void
  pump(): void
}

/**
 * One lane's view of the ledger: what it appended, what it has in memory, how far it has read.
 *
 * A delivery that is in memory is known by its id, so that a scan which meets its row again leaves it alone. What is
 * appended while a scan's last page is under way is kept aside; when that page comes back as the last one, the lane
 * has everything and needs the ledger no longer.
 */
export class LaneLedger {
  readonly #subscriberId: string
  readonly #ports: LanePorts
  readonly #callbacks: Callbacks
  readonly #known = new Set<string>()
  readonly #forgetLater: string[] = []
  readonly #concluded = new Set<string>()
  #cursor: Cursor | null = null
  #reading = false
  #stale = false
  #readingDue = false
  #recovering = false
  #followers = false
  #nextDueAtMs = Infinity
  /** Appended since the read under way began; null when there were too many to keep. */
  #recent: Delivery[] | null = null
  #recentBytes = 0

  constructor(subscriberId: string, ports: LanePorts, callbacks: Callbacks) {
    this.#subscriberId = subscriberId
    this.#ports = ports
    this.#callbacks = callbacks
  }

  get isEmpty(): boolean {
    return !this.#followers && !this.#reading && !this.#readingDue && this.#nextDueAtMs === Infinity
  }

  get isRecovering(): boolean {
    return this.#recovering
  }

  /** Whether the ledger may hold deliveries without an attempt that are not in memory. */
  get hasFollowers(): boolean {
    return this.#followers
  }

  /** Stores a delivery that the lane does not keep in memory. */
  append(delivery: Delivery): void {
    this.#ports.ledger.store(delivery)
    this.#followers = true
    if (this.#recent === null) return
    this.#recentBytes += weightOf(delivery)
    if (this.#recent.length < MOST_RECENT && this.#recentBytes < MOST_RECENT_BYTES) this.#recent.push(delivery)
    else this.#recent = null
  }

  /** Stores a delivery that stays in memory, because it is in flight. */
  keep(delivery: Delivery): void {
    if (!delivery.stored) this.#ports.ledger.store(delivery)
    this.#known.add(delivery.id)
  }

  /** Leaves a delivery to the ledger: it is read again in its turn. */
  giveBack(delivery: Delivery): void {
    this.#followers = true
    if (delivery.stored) this.forget(delivery)
    else this.#ports.ledger.store(delivery)
  }

  forget(delivery: Delivery): void {
    if (this.#reading || this.#readingDue) this.#forgetLater.push(delivery.id)
    else this.#known.delete(delivery.id)
  }

  /** A retried delivery has ended; a recovery under way must not park its row again. */
  concluded(delivery: Delivery): void {
    if (this.#recovering) this.#concluded.add(delivery.id)
  }

  expectDue(atMs: number): void {
    this.#nextDueAtMs = Math.min(this.#nextDueAtMs, atMs)
  }

  /** The next scan starts from the beginning. */
  rescan(): void {
    this.#cursor = null
    this.#followers = true
    if (this.#reading) this.#stale = true
  }

  /** Learns which rows wait for a next attempt, and when the first one is due. */
  recover(gate: RowGate<Delivery> | null): void {
    this.#recovering = true
    void this.#ports.ledger.readParked(this.#subscriberId).then((parked) => {
      for (const item of parked.items) if (!this.#concluded.has(item.id)) gate?.parkStored(item)
      this.#concluded.clear()
      if (parked.nextDueAtMs !== null) this.expectDue(parked.nextDueAtMs)
      this.#recovering = false
      this.#callbacks.pump()
    })
  }

  readFresh(without: readonly string[]): void {
    if (this.#reading) return
    this.#reading = true
    this.#stale = false
    this.#recent = []
    this.#recentBytes = 0
    const query = { subscriberId: this.#subscriberId, after: this.#cursor, without, limit: FRESH_LIMIT }
    void this.#ports.ledger.readFresh(query).then((page) => this.#onFresh(page, without.length > 0))
  }

  readDue(): void {
    if (this.#readingDue || this.#recovering || Date.now() < this.#nextDueAtMs) return
    this.#readingDue = true
    this.#nextDueAtMs = Infinity
    void this.#ports.ledger.readDue(this.#subscriberId, DUE_LIMIT).then((page) => this.#onDue(page))
  }

  #onFresh(page: FreshDeliveries, leftSomeOut: boolean): void {
    this.#reading = false
    const recent = this.#recent
    this.#recent = null
    if (!this.#stale) {
      this.#cursor = page.deliveries.at(-1)?.cursor ?? this.#cursor
      for (const { delivery } of page.deliveries) this.#take(delivery)
      if (page.isLast && recent !== null) {
        for (const delivery of recent) this.#take(delivery)
        this.#followers = leftSomeOut
        this.#cursor = null
        this.#callbacks.drained()
      }
    }
    this.#forgetNow()
    this.#callbacks.pump()
  }

  #onDue(page: DueDeliveries): void {
    this.#readingDue = false
    for (const delivery of page.deliveries) if (delivery.batchId === null) this.#takeDue([delivery])
    const batches = Map.groupBy(
      page.deliveries.filter((delivery) => delivery.batchId !== null),
      (delivery) => delivery.batchId,
    )
    for (const batch of batches.values()) this.#takeDue(batch)
    if (page.nextDueAtMs !== null) this.expectDue(page.nextDueAtMs)
    this.#forgetNow()
    this.#callbacks.pump()
  }

  #take(delivery: Delivery): void {
    if (this.#known.has(delivery.id)) return
    this.#known.add(delivery.id)
    this.#callbacks.load(delivery)
  }

  #takeDue(deliveries: Delivery[]): void {
    if (deliveries.some((delivery) => this.#known.has(delivery.id))) return
    for (const delivery of deliveries) this.#known.add(delivery.id)
    this.#callbacks.loadDue(packParcel(deliveries, { isBatch: deliveries[0]!.batchId !== null, isRetry: true }))
  }

  #forgetNow(): void {
    if (this.#reading || this.#readingDue) return
    for (const id of this.#forgetLater.splice(0)) this.#known.delete(id)
  }
}
