import type { RetryPolicy } from '../matching/event.ts'
import type { Answer, FailureClass, Outcome } from './outcome.ts'
import { parseRetryAfter } from './retry-after.ts'

export interface Circumstances {
  /** How many attempts were made, this one included. */
  readonly attempts: number
  readonly policy: RetryPolicy
  /** A number from 0 up to 1, for the jitter. */
  readonly random: () => number
  /** Epoch milliseconds, for a `Retry-After` that is a date. */
  readonly now: number
}

const OVERLOADED = new Set([408, 425, 429, 502, 503, 504])
/** Sending the same body again cannot help. */
const PERMANENT = new Set([413, 415])
const GONE = 410

const JITTER = 0.2
const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000
/** One message that always takes too long must not keep the others waiting for its own late attempts. */
const LONGEST_PAUSE_MS = 60_000
const UNCHARGED_RETRY_MS = 1000

/**
 * What an answer means for the delivery and its subscriber.
 *
 * Delays get 0-20 % jitter on top, so that nothing is ever early. An overloaded subscriber pauses as a whole: as long
 * as `Retry-After` asks (at most a day), else as long as the message waits but no more than a minute.
 */
export function decide(answer: Answer, circumstances: Circumstances): Outcome {
  if (answer.kind === 'failure') return afterFailure(answer.failure, answer.message, circumstances)
  const { status } = answer
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  const reason = `answered ${status}`
  if (status === GONE) return { kind: 'gone', reason }
  if (PERMANENT.has(status))
    return { kind: 'dead', reason: `${reason}; sending it again would not help`, disable: null }
  if (OVERLOADED.has(status)) return retry(reason, circumstances, { pauses: true, retryAfter: answer.retryAfter })
  const redirect = status >= 300 && status < 400 ? '; redirects are not followed' : ''
  return retry(`${reason}${redirect}`, circumstances, { pauses: false, retryAfter: null })
}

/** How an attempt is recorded and counted; null for one that was delivered. */
export function failureClass(answer: Answer): FailureClass | null {
  if (answer.kind === 'failure') return answer.failure
  if (answer.status >= 200 && answer.status < 300) return null
  return answer.status >= 300 && answer.status < 400 ? 'redirect_refused' : 'status'
}

function afterFailure(failure: FailureClass, message: string, circumstances: Circumstances): Outcome {
  switch (failure) {
    case 'internal':
      return { kind: 'uncharged', reason: message, afterMs: jittered(UNCHARGED_RETRY_MS, circumstances.random) }
    case 'blocked_address':
    case 'bad_url':
    case 'bad_header':
    case 'bad_secret':
      return { kind: 'dead', reason: message, disable: message }
    case 'timeout':
    case 'connect_timeout':
      return retry(message, circumstances, { pauses: true, retryAfter: null })
    default:
      return retry(message, circumstances, { pauses: false, retryAfter: null })
  }
}

interface Overload {
  readonly pauses: boolean
  readonly retryAfter: string | null
}

function retry(reason: string, { attempts, policy, random, now }: Circumstances, overload: Overload): Outcome {
  const scheduled = policy.scheduleMs[attempts - 1]
  if (scheduled === undefined) {
    return {
      kind: 'dead',
      reason: `${reason}; gave up after ${attempts} attempt${attempts === 1 ? '' : 's'}`,
      disable: null,
    }
  }
  const asked = overload.retryAfter === null ? null : parseRetryAfter(overload.retryAfter, now)
  const wanted = Math.min(asked ?? 0, LONGEST_RETRY_AFTER_MS)
  const afterMs = jittered(Math.max(scheduled, wanted), random)
  const pauseMs = overload.pauses ? Math.max(wanted, Math.min(afterMs, LONGEST_PAUSE_MS)) : 0
  return { kind: 'retry', reason, afterMs, pauseMs }
}

function jittered(delayMs: number, random: () => number): number {
  return Math.ceil(delayMs * (1 + JITTER * random()))
}
