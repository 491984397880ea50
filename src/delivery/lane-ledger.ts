import type { Delivery, Parcel } from './delivery.ts'
import { packParcel } from './parcel.ts'
import type { AttemptResult, Cursor, DueDeliveries, FreshDeliveries, LanePorts, ParkedDeliveries } from './ports.ts'
import { weightOf } from './ports.ts'
import type { Keyed } from './row-gate.ts'

const MOST_RECENT = 1000
const MOST_RECENT_BYTES = 1024 * 1024
/** What could not be taken or known as a whole is looked at again after this. */
const LOOK_AGAIN_MS = 1000

interface Callbacks {
  load(delivery: Delivery): void
  loadDue(parcel: Parcel): void
  /** These, and no others, wait for their next attempt. */
  parked(items: readonly Keyed[]): void
  /** Everything in the ledger is in memory or parked. */
  drained(): void
  pump(): void
}

/**
 * One lane's view of the ledger: what it appended, what it has in memory, how far it has read.
 *
 * A delivery that is in memory is known by its id, so that a page that shows its row again leaves it alone; so does one
 * that ended while the page was under way. What is appended while a scan's last page is under way is kept aside; when
 * that page comes back as the last one, the lane has everything and needs the ledger no longer.
 */
export class LaneLedger {
  readonly #subscriberId: string
  readonly #ports: LanePorts
  readonly #callbacks: Callbacks
  readonly #known = new Set<string>()
  /** Deliveries of which an attempt ended while a read was under way. */
  readonly #endedDuring = { fresh: new Set<string>(), due: new Set<string>(), parked: new Set<string>() }
  readonly #parkedDuring = new Map<string, Keyed>()
  #cursor: Cursor | null = null
  #reading = false
  #stale = false
  #readingDue = false
  #recovering = false
  #recoverAgain = false
  #knowsAllParked = true
  #hasEndedSinceParked = false
  #parkedAt = 0
  #followers = false
  #nextDueAtMs = Infinity
  /** Appended since the read under way began; null when there were too many to keep. */
  #recent: Delivery[] | null = null
  #recentBytes = 0
  #heldBytes = 0
  #isClosed = false

  constructor(subscriberId: string, ports: LanePorts, callbacks: Callbacks) {
    this.#subscriberId = subscriberId
    this.#ports = ports
    this.#callbacks = callbacks
  }

  /** Nothing of this lane is in the ledger, as far as it knows. */
  get isEmpty(): boolean {
    return !this.#followers && !this.isBusy && this.#nextDueAtMs === Infinity
  }

  get isBusy(): boolean {
    return this.#reading || this.#readingDue || this.#recovering
  }

  get isRecovering(): boolean {
    return this.#recovering
  }

  /** Whether the rows that wait for a next attempt are all known; else nothing may pass. */
  get knowsAllParked(): boolean {
    return this.#knowsAllParked
  }

  /** Whether the ledger may hold deliveries without an attempt that are not in memory. */
  get hasFollowers(): boolean {
    return this.#followers
  }

  /** Bytes of the deliveries that the lane has in memory. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The delivery came into memory. */
  hold(delivery: Delivery): void {
    this.#account(weightOf(delivery))
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

  /** Leaves a delivery without an attempt to the ledger: it is read again in its turn. */
  giveBack(delivery: Delivery): void {
    this.#account(-weightOf(delivery))
    this.#followers = true
    if (!delivery.stored) this.#ports.ledger.store(delivery)
    this.#known.delete(delivery.id)
  }

  /** Leaves a delivery whose next attempt is due to the ledger. */
  giveBackDue(delivery: Delivery): void {
    this.#account(-weightOf(delivery))
    this.#known.delete(delivery.id)
    this.#expectDue(Date.now())
  }

  /** The last attempt of a delivery has ended. */
  settle(delivery: Delivery, state: 'delivered' | 'dead' | 'cancelled', result: AttemptResult): void {
    this.#account(-weightOf(delivery))
    delivery.attempts++
    this.#ports.ledger.settle(delivery, state, result)
    this.#ended(delivery, true)
  }

  /** An attempt has failed, and there will be another one. */
  postpone(delivery: Delivery, result: AttemptResult, dueAtMs: number): void {
    this.#account(-weightOf(delivery))
    delivery.attempts++
    this.#ports.ledger.postpone(delivery, result, dueAtMs)
    this.#ended(delivery, false)
    this.#expectDue(dueAtMs)
  }

  /** Its subscriber is gone: what is stored is for others to cancel. */
  cancel(delivery: Delivery): void {
    this.#account(-weightOf(delivery))
    if (!delivery.stored) this.#ports.ledger.settle(delivery, 'cancelled', null)
  }

  /** The next scan starts from the beginning. */
  rescan(): void {
    this.#cursor = null
    this.#followers = true
    if (this.#reading) this.#stale = true
  }

  /** Learns which rows wait for a next attempt, and when the first one is due. */
  recover(): void {
    if (this.#recovering) {
      this.#recoverAgain = true
      return
    }
    this.#recovering = true
    this.#hasEndedSinceParked = false
    this.#parkedAt = this.#ports.now()
    void this.#ports.ledger.readParked(this.#subscriberId).then((page) => this.#onParked(page))
  }

  /** Looks for the others where not all rows that wait are known, once some of those have ended. */
  learnParked(): void {
    if (this.#knowsAllParked || !this.#hasEndedSinceParked) return
    if (this.#ports.now() - this.#parkedAt >= LOOK_AGAIN_MS) this.recover()
  }

  readFresh(without: readonly string[], limit: number): void {
    if (this.#reading) return
    this.#reading = true
    this.#stale = false
    this.#recent = []
    this.#recentBytes = 0
    const query = { subscriberId: this.#subscriberId, after: this.#cursor, without, limit }
    void this.#ports.ledger.readFresh(query).then((page) => this.#onFresh(page, without.length > 0))
  }

  /** Reads what is due, if anything can be. */
  readDue(limit: number): void {
    if (this.#readingDue || this.#recovering || Date.now() < this.#nextDueAtMs) return
    this.#readingDue = true
    this.#nextDueAtMs = Infinity
    void this.#ports.ledger.readDue(this.#subscriberId, limit).then((page) => this.#onDue(page))
  }

  /** Pages that are still under way are ignored. */
  close(): void {
    this.#isClosed = true
  }

  #account(bytes: number): void {
    this.#heldBytes += bytes
    this.#ports.held(bytes)
  }

  #expectDue(atMs: number): void {
    this.#nextDueAtMs = Math.min(this.#nextDueAtMs, atMs)
  }

  /** What became of an attempt is queued to be written. `isFinal`: there will be no other. */
  #ended(delivery: Delivery, isFinal: boolean): void {
    this.#known.delete(delivery.id)
    if (this.#reading) this.#endedDuring.fresh.add(delivery.id)
    if (this.#readingDue) this.#endedDuring.due.add(delivery.id)
    if (isFinal) this.#hasEndedSinceParked = true
    if (!this.#recovering) return
    this.#endedDuring.parked.add(delivery.id)
    if (isFinal) this.#parkedDuring.delete(delivery.id)
    else this.#parkedDuring.set(delivery.id, delivery)
  }

  #onParked({ items, nextDueAtMs, isComplete }: ParkedDeliveries): void {
    const others = items.filter(({ id }) => !this.#endedDuring.parked.has(id))
    this.#callbacks.parked([...others, ...this.#parkedDuring.values()])
    this.#endedDuring.parked.clear()
    this.#parkedDuring.clear()
    this.#knowsAllParked = isComplete
    if (nextDueAtMs !== null) this.#expectDue(nextDueAtMs)
    this.#recovering = false
    const isAsked = this.#recoverAgain
    this.#recoverAgain = false
    if (isAsked) this.recover()
    else this.#callbacks.pump()
  }

  #onFresh(page: FreshDeliveries, leftSomeOut: boolean): void {
    this.#reading = false
    const recent = this.#recent
    this.#recent = null
    if (!this.#stale && !this.#isClosed) {
      this.#cursor = page.deliveries.at(-1)?.cursor ?? this.#cursor
      for (const { delivery } of page.deliveries) this.#take(delivery)
      if (page.isLast && recent !== null) {
        for (const delivery of recent) this.#take(delivery)
        this.#followers = leftSomeOut
        this.#cursor = null
        this.#callbacks.drained()
      }
    }
    this.#endedDuring.fresh.clear()
    this.#callbacks.pump()
  }

  #onDue(page: DueDeliveries): void {
    this.#readingDue = false
    if (page.nextDueAtMs !== null) this.#expectDue(page.nextDueAtMs)
    const parcels = Map.groupBy(page.deliveries, ({ id, batchId }) => batchId ?? id)
    if (!this.#isClosed) for (const deliveries of parcels.values()) this.#takeDue(deliveries)
    this.#endedDuring.due.clear()
    this.#callbacks.pump()
  }

  #take(delivery: Delivery): void {
    if (this.#known.has(delivery.id) || this.#endedDuring.fresh.has(delivery.id)) return
    this.#known.add(delivery.id)
    this.hold(delivery)
    this.#callbacks.load(delivery)
  }

  #takeDue(deliveries: Delivery[]): void {
    const others = deliveries.filter(({ id }) => !this.#known.has(id) && !this.#endedDuring.due.has(id))
    if (others.length < deliveries.length) {
      if (others.length > 0) this.#expectDue(Date.now() + LOOK_AGAIN_MS)
      return
    }
    for (const delivery of deliveries) {
      this.#known.add(delivery.id)
      this.hold(delivery)
    }
    this.#callbacks.loadDue(packParcel(deliveries, { isBatch: deliveries[0]!.batchId !== null, isRetry: true }))
  }
}
