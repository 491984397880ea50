/** Why an attempt did not succeed, as recorded in `hookd.attempts` and counted by `/metrics`. */
export type FailureClass =
  | 'status' // an answer with a status that is not 2xx
  | 'redirect_refused'
  | 'timeout'
  | 'connect_timeout'
  | 'refused'
  | 'reset'
  | 'unreachable'
  | 'dns_error'
  | 'tls_error'
  | 'bad_response' // not HTTP, or headers beyond the limits
  | 'blocked_address'
  | 'bad_url'
  | 'bad_header'
  | 'bad_secret'
  | 'unsendable' // the body could not be rendered or is too large
  | 'internal' // hookd's own fault: not charged

/** What the wire gave: an answer with complete headers, or a failure before that. */
export type Answer =
  | {
      readonly kind: 'response'
      readonly status: number
      /** Seconds or HTTP date, as sent; null when absent. */
      readonly retryAfter: string | null
      /** `Location` of a redirect, at most 500 characters. */
      readonly location: string | null
      /** First 16 KiB of the body, as received. */
      readonly body: Buffer
      readonly durationMs: number
    }
  | {
      readonly kind: 'failure'
      readonly failure: FailureClass
      /** One sentence without secrets, URL credentials or payload. */
      readonly message: string
      readonly durationMs: number
    }

/**
 * What an attempt means for the delivery, and for its subscriber.
 *
 * `retry` carries the delay before the next attempt; `pauseMs` > 0 pauses the whole subscriber for that long.
 * `gone` and `config` disable the subscriber; `uncharged` is hookd's own fault and does not count as an attempt.
 */
export type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs: number; readonly pauseMs: number }
  | { readonly kind: 'dead'; readonly reason: string; readonly disable: string | null }
  | { readonly kind: 'gone'; readonly reason: string }
  | { readonly kind: 'uncharged'; readonly reason: string; readonly afterMs: number }
