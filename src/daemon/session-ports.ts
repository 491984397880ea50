import type { Pool } from 'pg'
import type { Parcel } from '../delivery/delivery.ts'
import type { Payloads } from '../delivery/payload.ts'
import type { AttemptResult, LaneObserver } from '../delivery/ports.ts'
import type { CellToJson } from '../delivery/row-key.ts'
import type { Ledger, LedgerOptions } from '../ledger/ledger.ts'
import type { OpenDeliveries } from '../ledger/progress.ts'
import type { SubscriberRow } from '../subscriptions/parse-subscriber.ts'
import type { LsnRange } from '../replication/start-position.ts'
import type { Subscriber } from '../subscriptions/subscriber.ts'
import type { Log } from '../telemetry/log.ts'
import type { LiveConfig } from './live-config.ts'

/** What the progress record said when this process took the slot. */
export interface TakenSlot {
  readonly slot: string
  readonly systemId: string
  readonly timeline: number
  readonly epoch: string
  readonly lsn: bigint
  readonly readUpto: string | null
  readonly open: Readonly<Record<string, OpenDeliveries>>
  readonly directory: readonly SubscriberRow[]
  /** Read on a timeline that the server has left, and forgotten for that. */
  readonly undone: LsnRange | null
}

/** What a session needs of the ledger; a dry run has one that keeps nothing. */
export type SessionLedger = Pick<
  Ledger,
  | 'isQuiet'
  | 'isBehind'
  | 'store'
  | 'postpone'
  | 'settle'
  | 'bury'
  | 'disable'
  | 'error'
  | 'touch'
  | 'flushed'
  | 'readFresh'
  | 'readDue'
  | 'readParked'
  | 'pendingSubscribers'
  | 'run'
  | 'drain'
>

export interface SessionPorts {
  readonly pool: Pool
  /** For the ledger's writes alone, so that no read keeps them waiting. */
  readonly writerPool: Pool
  readonly config: LiveConfig
  readonly payloads: Payloads
  readonly toJson: CellToJson
  readonly log: Log
  readonly observer: LaneObserver
  createLedger(options: LedgerOptions): SessionLedger
  attempt(parcel: Parcel, subscriber: Subscriber): Promise<AttemptResult>
  mayStart(): boolean
  confirm(lsn: bigint): void
  pauseReading(): void
  resumeReading(): void
  matched(event: string): void
  failed(kind: string): void
}
