import type { Delivery } from '../delivery/delivery.ts'
import type { AttemptResult } from '../delivery/ports.ts'

/** What shall become of one row of `hookd.deliveries`. Later calls before a flush replace the earlier ones. */
export interface DeliveryWrite {
  readonly delivery: Delivery
  readonly isNew: boolean
  readonly state: 'pending' | 'delivered' | 'dead' | 'cancelled'
  readonly attempts: number
  readonly batchId: string | null
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
}

/** Memory that an attempt or an error is taken to occupy beside its text. */
const OVERHEAD_BYTES = 512

export function weightOfAttempt({ result: { answer } }: AttemptWrite): number {
  return OVERHEAD_BYTES + (answer.kind === 'response' ? answer.body.length : answer.message.length)
}

export function weightOfError({ message, rowKeyJson }: ErrorWrite): number {
  return OVERHEAD_BYTES + message.length + (rowKeyJson?.length ?? 0)
}

const MOST_TEXT = 2000

/** Text as Postgres can hold it, in text and in jsonb: without NUL and lone surrogates. */
export function storable(text: string): string
export function storable(text: string | null): string | null
export function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '\ufffd').toWellFormed()
}

/** Storable, and no longer than a person reads. */
export function readable(text: string): string {
  return storable(text.slice(0, MOST_TEXT))
}

/** Status, class and sentence of an attempt, as the ledger's columns hold them. */
export function describe(result: AttemptResult | null): {
  status: number | null
  class: string | null
  error: string | null
} {
  if (result === null) return { status: null, class: null, error: null }
  const { answer, outcome } = result
  const error = outcome.kind === 'delivered' ? null : readable(outcome.reason)
  if (answer.kind === 'failure') return { status: null, class: answer.failure, error }
  const isRedirect = answer.status >= 300 && answer.status < 400
  const failure = isRedirect ? 'redirect_refused' : 'status'
  const target = isRedirect && answer.location !== null ? `; it points to ${answer.location}` : ''
  return {
    status: answer.status,
    class: outcome.kind === 'delivered' ? null : failure,
    error: error === null ? null : readable(error + target),
  }
}
