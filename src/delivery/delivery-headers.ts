import type { Subscriber } from '../subscriptions/subscriber.ts'
import { headersProblem } from './headers.ts'
import { sign, timestampOf } from './sign.ts'
import { UnsendableError } from './unsendable.ts'

/** What the headers of one attempt say. */
export interface HeaderFacts {
  /** The event's name as sent. */
  readonly event: string
  /** `webhook-id`: the message's id, or a batch's. */
  readonly messageId: string
  /** `Hook-Delivery` */
  readonly deliveryId: string
  readonly body: Buffer
  /** Epoch milliseconds. */
  readonly now: number
  /** `hookd/0.1.0` */
  readonly userAgent: string
  /** The event's own headers, flat; see `MessageBodies.headers`. */
  readonly eventHeaders: readonly string[]
}

export type HeaderSubscriber = Pick<
  Subscriber,
  'id' | 'headers' | 'secret' | 'oldSecret' | 'oldSecretUntil' | 'digest'
> & { readonly contentType: string }

/**
 * All headers of one attempt but Host and Content-Length, flat `[name, value, …]`: hookd's, signed for this moment, then
 * the event's, then the subscriber's own. Where these two meet, the subscriber's wins.
 *
 * Throws `UnsendableError` for a header or secret that cannot be sent, in a row that arrived broken.
 */
export function deliveryHeaders(facts: HeaderFacts, subscriber: HeaderSubscriber): string[] {
  const own = ownHeaders(subscriber.headers)
  const headers = [
    'Content-Type',
    subscriber.contentType,
    'User-Agent',
    facts.userAgent,
    'Hook-Event',
    facts.event,
    'Hook-Delivery',
    facts.deliveryId,
    'Hook-Subscription',
    subscriber.id,
  ]
  const signatures = sign(subscriber, { id: facts.messageId, body: facts.body, now: facts.now })
  if (signatures !== null) headers.push('Hook-HMAC', signatures.hookHmac)
  headers.push('webhook-id', facts.messageId, 'webhook-timestamp', String(timestampOf(facts.now)))
  if (signatures !== null) headers.push('webhook-signature', signatures.webhookSignature)
  headers.push('Accept-Encoding', 'identity')
  appendEventHeaders(headers, facts.eventHeaders, own)
  for (const text of own.flat) headers.push(text)
  return headers
}

interface OwnHeaders {
  readonly flat: readonly string[]
  readonly names: ReadonlySet<string>
}

const known = new WeakMap<HeaderSubscriber['headers'], OwnHeaders>()

/** The subscriber's own headers, checked once. */
function ownHeaders(headers: HeaderSubscriber['headers']): OwnHeaders {
  const cached = known.get(headers)
  if (cached !== undefined) return cached
  const problem = headersProblem(headers)
  if (problem !== null) throw new UnsendableError('bad_header', problem)
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const own = { flat: Object.entries(headers).flat(), names }
  known.set(headers, own)
  return own
}

function appendEventHeaders(headers: string[], eventHeaders: readonly string[], own: OwnHeaders): void {
  for (let at = 0; at + 1 < eventHeaders.length; at += 2) {
    const name = eventHeaders[at]!
    if (!own.names.has(name.toLowerCase())) headers.push(name, eventHeaders[at + 1]!)
  }
}
