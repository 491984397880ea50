import type { Delivery } from '../delivery/delivery.ts'
import type { AttemptResult } from '../delivery/ports.ts'

/** What shall become of one row of `hookd.deliveries`. Later calls before a flush replace the earlier ones. */
export interface DeliveryWrite {
  readonly delivery: Delivery
  readonly isNew: boolean
  readonly state: 'pending' | 'delivered' | 'dead' | 'cancelled'
  readonly attempts: number
  readonly nextAttemptAtMs: number | null
  readonly result: AttemptResult | null
}

export interface AttemptWrite {
  readonly deliveryId: string
  readonly replayed: number
  readonly attempt: number
  readonly result: AttemptResult
}

/** One row of `hookd.errors`. */
export interface ErrorWrite {
  /** Derived from the change, so that reading it again adds nothing. */
  readonly id: string
  readonly kind: string
  readonly event: string | null
  readonly table: string | null
  readonly rowKeyJson: string | null
  readonly lsn: string | null
  readonly subscriberId: string | null
  readonly message: string
}

/** Everything that one flush writes, in one transaction. */
export interface Batch {
  readonly deliveries: readonly DeliveryWrite[]
  readonly attempts: readonly AttemptWrite[]
  readonly errors: readonly ErrorWrite[]
  readonly disabled: ReadonlyMap<string, string>
}

/** `''` stands for what a text column of Postgres cannot hold. */
export function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '�').slice(0, 2000)
}

/** Status, class and sentence of an attempt, as the ledger's columns hold them. */
export function describe(result: AttemptResult | null): { status: number | null; class: string | null; error: string | null } {
  if (result === null) return { status: null, class: null, error: null }
  const { answer, outcome } = result
  const error = outcome.kind === 'delivered' ? null : storable(outcome.reason)
  if (answer.kind === 'failure') return { status: null, class: answer.failure, error }
  const isRedirect = answer.status >= 300 && answer.status < 400
  const failure = isRedirect ? 'redirect_refused' : 'status'
  return { status: answer.status, class: outcome.kind === 'delivered' ? null : failure, error }
}
