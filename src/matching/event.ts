import type { Operation, RowImage } from '../replication/change.ts'
import type { Template } from './template.ts'

/** What a condition sees of one change: `new` is null for a delete, `old` is null for an insert or where unknown. */
export interface RowPair {
  readonly op: 'insert' | 'update' | 'delete'
  readonly old: RowImage | null
  /** Whether `old` is the whole row (REPLICA IDENTITY FULL). */
  readonly oldComplete: boolean
  readonly new: RowImage | null
}

/**
 * Decides one row pair. Throws `UnknownValueError` where the answer hangs on a value that Postgres did not send or that
 * cannot be represented, so that "unknown" is never read as NULL, also under `not`.
 */
export type Predicate = (pair: RowPair) => boolean

/** A condition hangs on a value that is not known; `column` names it and `reason` says why. */
export class UnknownValueError extends Error {
  override readonly name = 'UnknownValueError'
  readonly column: string

  constructor(column: string, reason: string) {
    super(`column "${column}" ${reason}`)
    this.column = column
  }
}

/** What the payload's `data` holds. */
export type DataSelection =
  | { readonly kind: 'all' }
  | { readonly kind: 'only'; readonly columns: readonly string[] }
  | { readonly kind: 'except'; readonly columns: readonly string[] }
  | { readonly kind: 'templates'; readonly fields: readonly { readonly key: string; readonly template: Template }[] }

/** Delays between attempts in milliseconds; one more attempt than entries. An empty list means a single attempt. */
export interface RetryPolicy {
  readonly scheduleMs: readonly number[]
}

/** An endpoint declared in hookd.yaml rather than in the table. */
export interface StaticSubscriber {
  /** A UUID derived from event and URL, so that it is the same after every restart. */
  readonly id: string
  readonly url: string
  /** Null: requests go out unsigned, because nobody could know a random secret. */
  readonly secret: string | null
}

/** Which targets may be dialled; see `delivery/recipients.ts`. */
export interface RecipientPolicy {
  readonly schemes: readonly ('http' | 'https')[]
  readonly ports: readonly number[] | 'any'
  readonly blockInternal: boolean
  /** CIDRs that are allowed even where `blockInternal` would refuse them. */
  readonly allowCidrs: readonly string[]
  readonly blockCidrs: readonly string[]
}

/** One event of hookd.yaml, checked and compiled. */
export interface EventDefinition {
  /** As declared; also the name sent, unless `name` is set. */
  readonly declaredName: string
  /** Template of the name sent, null where it is `declaredName`. */
  readonly name: Template | null
  /** Unquoted `schema.table`; null for a manual event. */
  readonly table: string | null
  readonly operations: ReadonlySet<Operation>
  readonly manual: boolean
  readonly enabled: boolean
  /** The compiled `when` and `changed`; null matches everything. */
  readonly predicate: Predicate | null
  readonly skipNoop: boolean
  /** Column that names the owner; null where the event is not scoped. */
  readonly owner: string | null
  readonly broadcast: boolean
  readonly data: DataSelection
  readonly ref: Template | null
  /** Column whose value is sent as `sender`. */
  readonly sender: string | null
  readonly includeOld: boolean
  readonly includeChanged: boolean
  readonly headers: readonly { readonly name: string; readonly template: Template }[]
  /** Extra top-level keys of the body, JSON text by key; they never replace the envelope's own. */
  readonly requestData: readonly { readonly key: string; readonly json: string }[]
  readonly envelope: Envelope | null
  readonly subscribers: readonly StaticSubscriber[]
  /** Null: the global value. */
  readonly timeoutMs: number | null
  readonly retry: RetryPolicy | null
  readonly recipients: RecipientPolicy
  readonly keepAlive: boolean
  readonly description: string | null
  readonly label: string | null
}

export type Envelope = 'hookd' | 'thorn' | 'raw' | 'flat' | 'resthooks' | 'standard' | 'cloudevents'
