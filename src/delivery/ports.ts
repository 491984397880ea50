import type { Subscriber } from '../subscriptions/subscriber.ts'
import type { Delivery, Parcel } from './delivery.ts'
import type { Answer, Outcome } from './outcome.ts'

/** What one attempt left behind, as the ledger records it. */
export interface AttemptResult {
  readonly atMs: number
  readonly url: string
  readonly answer: Answer
  readonly outcome: Outcome
}

/** What a lane asks of the ledger. Calls only queue a write; writes reach Postgres in the order of the calls. */
export interface LedgerPort {
  /** Stores a delivery as pending; from then on the WAL no longer answers for it. */
  store(delivery: Delivery): void
  /** Records a failed attempt and when the next one is due (epoch milliseconds). */
  postpone(delivery: Delivery, result: AttemptResult, nextAttemptAtMs: number): void
  /** Ends a delivery. A delivery that was never stored and is delivered leaves no trace unless the log keeps all. */
  settle(delivery: Delivery, state: 'delivered' | 'dead' | 'cancelled', result: AttemptResult | null): void
  /** Disables a subscriber with a reason that its owner reads in the table. */
  disable(subscriberId: string, reason: string): void
  /**
   * Pending deliveries without an attempt, in order, behind `after`; leaves the keys of `without` out. Sees every write
   * queued before the call, and waits for Postgres to come back rather than reject; so do the other reads.
   */
  readFresh(query: FreshQuery): Promise<FreshDeliveries>
  /** Pending deliveries whose next attempt is due, the longest due first; members of a batch come together. */
  readDue(subscriberId: string, limit: number): Promise<DueDeliveries>
  /** Keys of the deliveries that failed and wait for their next attempt. */
  readParked(subscriberId: string): Promise<ParkedDeliveries>
}

export interface FreshQuery {
  readonly subscriberId: string
  readonly after: Cursor | null
  readonly without: readonly string[]
  readonly limit: number
}

/** Where a scan of the ledger stands: the position of the last delivery it has seen. */
export interface Cursor {
  readonly commitLsn: string
  readonly lsn: string
  readonly ordinal: number
  /** As the ledger sorts by it. */
  readonly declaredEvent: string
  readonly id: string
}

export interface FreshDeliveries {
  readonly deliveries: readonly { readonly delivery: Delivery; readonly cursor: Cursor }[]
  /** Nothing lies behind the last one. */
  readonly isLast: boolean
}

export interface DueDeliveries {
  readonly deliveries: readonly Delivery[]
  /** Epoch milliseconds of the first one that was not due yet, or left out by the limit. */
  readonly nextDueAtMs: number | null
}

export interface ParkedDeliveries {
  readonly items: readonly { readonly id: string; readonly key: string; readonly oldKey: string | null }[]
  readonly nextDueAtMs: number | null
  /** There are no others. */
  readonly isComplete: boolean
}

/** Everything a lane needs from outside. */
export interface LanePorts {
  readonly ledger: LedgerPort
  /** Signs and sends; resolves whatever happens. */
  attempt(parcel: Parcel, subscriber: Subscriber): Promise<AttemptResult>
  /** False while this process cannot prove that the slot is still its own. */
  mayStart(): boolean
  /**
   * False while the stream is behind what an earlier run had read: the ledger then holds deliveries of changes whose
   * subscriber is known only as it was before.
   */
  hasCaughtUp(): boolean
  /** Bytes that came into or left memory. */
  held(bytes: number): void
  /** False while memory is short: a lane then reads back no more than it needs to go on. */
  hasRoom(): boolean
  /** Deliveries that one of the lanes may keep waiting, where all that have something to do get as much. */
  share(): number
  /** Monotonic milliseconds. */
  now(): number
  readonly observer: LaneObserver
}

/** What happens in the lanes, for logs and metrics. */
export interface LaneObserver {
  attempted(parcel: Parcel, subscriber: Subscriber, result: AttemptResult): void
  modeChanged(subscriberId: string, mode: 'direct' | 'spilled', reason: string): void
  disabled(subscriberId: string, reason: string): void
}

/** Memory that a delivery is taken to occupy beside its body. */
const DELIVERY_OVERHEAD_BYTES = 512

export function weightOf(delivery: Delivery): number {
  return delivery.body.length + DELIVERY_OVERHEAD_BYTES
}
