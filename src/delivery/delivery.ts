import type { Transaction } from '../replication/change.ts'

/** One match of an event: what is sent, whoever receives it. */
export interface Message {
  readonly id: string
  /** The event's name as sent. */
  readonly event: string
  readonly declaredEvent: string
  readonly table: string | null
  readonly op: string
  /** JSON text of the row's key, `{"id":1}`; null where the row has none. */
  readonly rowKeyJson: string | null
  readonly transaction: Transaction
  readonly lsn: string
  readonly ordinal: number
}

/** Counts what a transaction still waits for; `settle` is called once for every `open`. */
export interface Tracker {
  open(): void
  settle(): void
}

/**
 * A message on its way to one subscriber.
 *
 * It starts in memory, read from the slot. Once `stored`, a row of `hookd.deliveries` answers for it and the WAL no
 * longer needs to.
 */
export interface Delivery {
  readonly id: string
  readonly subscriberId: string
  readonly message: Message
  /** Which rendering of the message this subscriber gets. */
  readonly variant: string
  readonly contentType: string
  readonly body: Buffer
  /** The event's own headers, flat `[name, value, …]`. */
  readonly headers: readonly string[]
  /** Deliveries that share a key are sent one at a time, in order. */
  readonly key: string
  /** The key before this change, where the change moved the row to another key. */
  readonly oldKey: string | null
  /** Monotonic milliseconds at which it came into memory. */
  readonly receivedAt: number
  /** Null once stored or settled. */
  tracker: Tracker | null
  stored: boolean
  attempts: number
  /** How often an operator had it sent again; attempts count from 1 after each. */
  readonly replayed: number
  /** Set when the delivery failed as part of a batch, which is then sent again as it was. */
  batchId: string | null
}

/** What one request carries: a delivery, or a batch in order. */
export interface Parcel {
  /** Hook-Delivery: the delivery's id, or an id derived from the members' ids. */
  readonly id: string
  /** webhook-id: the message's id, or the batch's. */
  readonly messageId: string
  readonly deliveries: readonly Delivery[]
  readonly body: Buffer
  /** Taken from the ledger because its next attempt was due: its rows stay parked while it is in flight. */
  readonly isRetry: boolean
  readonly isBatch: boolean
}
