import type { Predicate, Envelope, RetryPolicy } from '../matching/event.ts'

export type HmacDigest = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'
export type ContentType = 'application/json' | 'application/x-www-form-urlencoded'
export type Ordering = 'row' | 'none' | 'subscriber'

/** One row of `hookd.subscribers` (or one static subscriber), checked. */
export interface Subscriber {
  readonly id: string
  /** Event name or pattern. */
  readonly event: string
  readonly url: string
  readonly owner: string | null
  /** The filter as written, compiled per event's table by the directory; null lets everything through. */
  readonly filter: unknown
  readonly contentType: ContentType
  /** Null for a static subscriber: the event's own, else `hookd`. */
  readonly envelope: Envelope | null
  /** Null only for a static subscriber without a secret: unsigned. */
  readonly secret: string | null
  readonly oldSecret: string | null
  /** Epoch milliseconds until which `oldSecret` signs too. */
  readonly oldSecretUntil: number | null
  readonly digest: HmacDigest
  readonly headers: Readonly<Record<string, string>>
  readonly ordering: Ordering
  readonly concurrency: number
  /** Requests a second; null is no limit. */
  readonly rateLimit: number | null
  readonly batchSize: number
  readonly batchWaitMs: number
  readonly timeoutMs: number | null
  readonly retry: RetryPolicy | null
  readonly active: boolean
  /** Set while hookd or a broken row keeps it from being sent to. */
  readonly disabledReason: string | null
  readonly config: Readonly<Record<string, unknown>> | null
  readonly isStatic: boolean
}

/** A subscriber that an event reaches, with its filter compiled for the event's table. */
export interface Subscription {
  readonly subscriber: Subscriber
  readonly filter: Predicate | null
}
