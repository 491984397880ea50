import { timingSafeEqual } from 'node:crypto'
import type { HmacDigest } from '../subscriptions/subscriber.ts'
import { type HmacKey, hmacBase64, hmacKey } from './hmac.ts'
import { standardKey } from './secret.ts'

/** A request as a receiver has it. */
export interface ReceivedWebhook {
  /** Names in any case: `request.headers` of Node, a `Headers`, a `Map`, pairs, or a plain object. */
  readonly headers: ReceivedHeaders
  /** The body exactly as it came over the wire, before any parser touched it. */
  readonly body: string | Uint8Array
}

export type ReceivedHeaders =
  Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[] | undefined>>

export interface VerifyOptions {
  /**
   * Which signature must be right. Default: `webhook-signature` where the request has one, else `Hook-HMAC`.
   *
   * `Hook-HMAC` covers no timestamp. A receiver that must refuse replays asks for `'webhook-signature'`: otherwise
   * somebody with a copy of an old request could leave that header out.
   */
  readonly scheme?: 'webhook-signature' | 'hook-hmac'
  /** The subscriber's `hmac_digest`, for `Hook-HMAC`. Default `sha256`. */
  readonly digest?: HmacDigest
  /** How far `webhook-timestamp` may lie from now, either way, in seconds. Default 300. */
  readonly toleranceSeconds?: number
  /** Epoch milliseconds to compare with. Default the current time. */
  readonly now?: number
}

/** What a verified request says about itself. */
export interface VerifiedWebhook {
  readonly scheme: 'webhook-signature' | 'hook-hmac'
  /** `webhook-id`: the same for every copy of a message, so good for telling duplicates; null if not sent. */
  readonly id: string | null
  /** `Hook-Event` */
  readonly event: string | null
  /** `Hook-Delivery` */
  readonly deliveryId: string | null
  /** `Hook-Subscription` */
  readonly subscriptionId: string | null
  /** When this attempt was signed; null for `Hook-HMAC`, which does not cover it. */
  readonly signedAt: Date | null
  /** The body as text. */
  readonly text: string
  /** The body parsed as JSON. Throws SyntaxError on anything else. */
  json(): unknown
}

export type VerificationFailure =
  'missing_header' | 'bad_timestamp' | 'too_old' | 'too_new' | 'no_match' | 'bad_secret' | 'parsed_body'

/** A request that must not be trusted; `code` says why in a form to match on. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError'
  readonly code: VerificationFailure

  constructor(code: VerificationFailure, message: string) {
    super(message)
    this.code = code
  }
}

const DEFAULT_TOLERANCE_SECONDS = 300
/** Printable ASCII without the dot that ends the id in the signed text: no other id gives the same text. */
const MESSAGE_ID = /^[!-\-/-~]+$/

/**
 * Checks that a request comes from somebody who knows the secret, and says what it is.
 *
 *     const webhook = verify({ headers: request.headers, body: rawBody }, process.env.WEBHOOK_SECRET)
 *
 * `secret` is the subscriber's `hmac_secret` (or its bytes); of a list, any one may match, which is how a receiver
 * rotates. Compares in constant time. Throws `WebhookVerificationError` for a request that must be refused.
 */
export function verify(
  request: ReceivedWebhook,
  secret: string | Uint8Array | readonly (string | Uint8Array)[],
  options: VerifyOptions = {},
): VerifiedWebhook {
  const headers = pick(request.headers)
  const body = bytesOf(request.body)
  const secrets = typeof secret === 'string' || secret instanceof Uint8Array ? [secret] : secret
  if (secrets.length === 0) throw new WebhookVerificationError('bad_secret', 'no secret was given')
  const scheme = options.scheme ?? (headers.has('webhook-signature') ? 'webhook-signature' : 'hook-hmac')
  const check = scheme === 'hook-hmac' ? checkHookHmac : checkStandard
  const signedAt = check({ headers, body, secrets, options })
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  return {
    scheme,
    id: headers.get('webhook-id') ?? null,
    event: headers.get('hook-event') ?? null,
    deliveryId: headers.get('hook-delivery') ?? null,
    subscriptionId: headers.get('hook-subscription') ?? null,
    signedAt,
    text,
    json: () => JSON.parse(text) as unknown,
  }
}

interface Check {
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
  readonly secrets: readonly (string | Uint8Array)[]
  readonly options: VerifyOptions
}

function checkHookHmac({ headers, body, secrets, options }: Check): null {
  const given = demand(headers, 'hook-hmac')
  const digest = options.digest ?? 'sha256'
  const expected = secrets.map((secret) => hmacBase64(hmacKey(digest, secretBytes(secret)), '', body))
  if (!matches(expected, [given])) throw noMatch('Hook-HMAC', `, the digest is ${digest}`)
  return null
}

function checkStandard({ headers, body, secrets, options }: Check): Date {
  const id = demand(headers, 'webhook-id')
  if (!MESSAGE_ID.test(id)) throw new WebhookVerificationError('no_match', 'webhook-id is none that hookd sends')
  const timestamp = demand(headers, 'webhook-timestamp')
  const given = demand(headers, 'webhook-signature').split(' ')
  const signedAt = checkAge(timestamp, options)
  const keys = secrets.map(keyOf)
  const expected = keys.map((key) => `v1,${hmacBase64(key, `${id}.${timestamp}.`, body)}`)
  if (!matches(expected, given)) throw noMatch('webhook-signature', '')
  return signedAt
}

function checkAge(
  timestamp: string,
  { toleranceSeconds = DEFAULT_TOLERANCE_SECONDS, now = Date.now() }: VerifyOptions,
) {
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new WebhookVerificationError('bad_timestamp', 'webhook-timestamp is not a number of seconds since 1970')
  }
  const age = Math.floor(now / 1000) - Number(timestamp)
  if (age > toleranceSeconds) {
    throw new WebhookVerificationError(
      'too_old',
      `webhook-timestamp is ${age} s old; ${toleranceSeconds} s are allowed`,
    )
  }
  if (age < -toleranceSeconds) {
    throw new WebhookVerificationError('too_new', `webhook-timestamp is ${-age} s ahead of this clock`)
  }
  return new Date(Number(timestamp) * 1000)
}

function keyOf(secret: string | Uint8Array): HmacKey {
  try {
    return typeof secret === 'string' ? standardKey(secret) : hmacKey('sha256', secret)
  } catch (error) {
    throw new WebhookVerificationError('bad_secret', (error as Error).message)
  }
}

function secretBytes(secret: string | Uint8Array): Uint8Array {
  return typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
}

/** Compares every pair, so that the time taken says nothing about which one matched. */
function matches(expected: readonly string[], given: readonly string[]): boolean {
  let found = false
  for (const one of expected) for (const other of given) found = equal(one, other) || found
  return found
}

function equal(expected: string, given: string): boolean {
  const left = Buffer.from(expected, 'latin1')
  const right = Buffer.from(given, 'utf8')
  return left.length === right.length && timingSafeEqual(left, right)
}

const READ = new Set([
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
  'hook-hmac',
  'hook-event',
  'hook-delivery',
  'hook-subscription',
])

function pick(headers: ReceivedHeaders): Map<string, string> {
  const picked = new Map<string, string>()
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers)
  for (const [name, value] of pairs as Iterable<readonly [string, unknown]>) {
    const key = name.toLowerCase()
    const first: unknown = Array.isArray(value) ? value[0] : value
    if (READ.has(key) && typeof first === 'string' && !picked.has(key)) picked.set(key, first.trim())
  }
  return picked
}

function demand(headers: ReadonlyMap<string, string>, name: string): string {
  const value = headers.get(name)
  if (value === undefined || value === '') {
    throw new WebhookVerificationError('missing_header', `the request has no ${name} header`)
  }
  return value
}

function bytesOf(body: unknown): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body, 'utf8')
  if (body instanceof Uint8Array) return body
  throw new WebhookVerificationError(
    'parsed_body',
    'the body must be the raw text or bytes of the request; a parsed one no longer has the bytes that were signed',
  )
}

function noMatch(header: string, hint: string): WebhookVerificationError {
  return new WebhookVerificationError(
    'no_match',
    `${header} does not match: the secret is another one${hint}, or the body is not what was sent`,
  )
}
