import type { HmacDigest } from '../subscriptions/subscriber.ts'
import { type HmacKey, hmacKey } from './hmac.ts'
import { UnsendableError } from './unsendable.ts'

/** Marks a secret whose key is the base64 that follows (Standard Webhooks). */
const SECRET_PREFIX = 'whsec_'
const SHORTEST_SECRET = 16

const PADDED_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const MOST_KEYS = 10_000

/** Says why a secret cannot be used, without repeating it; null for one that can. */
export function secretProblem(secret: string): string | null {
  if (secret.length < SHORTEST_SECRET) return `the secret is shorter than ${SHORTEST_SECRET} characters`
  return encodingProblem(secret)
}

function encodingProblem(secret: string): string | null {
  if (secret === '') return 'the secret is empty'
  if (!secret.startsWith(SECRET_PREFIX)) return null
  const encoded = secret.slice(SECRET_PREFIX.length)
  if (encoded !== '' && PADDED_BASE64.test(encoded)) return null
  return `what follows "${SECRET_PREFIX}" in the secret is not padded base64`
}

/** The base64 part of a `whsec_` secret, else its UTF-8 bytes. */
function standardKeyBytes(secret: string): Buffer {
  const problem = encodingProblem(secret)
  if (problem !== null) throw new UnsendableError('bad_secret', problem)
  return secret.startsWith(SECRET_PREFIX)
    ? Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8')
}

const hookKeys = new Map<HmacDigest, Map<string, HmacKey>>()
const standardKeys = new Map<string, HmacKey>()

/** The key of `Hook-HMAC`, made once per secret and digest. */
export function hookKey(secret: string, digest: HmacDigest): HmacKey {
  let keys = hookKeys.get(digest)
  if (keys === undefined) hookKeys.set(digest, (keys = new Map()))
  return keys.get(secret) ?? keep(keys, secret, hmacKey(digest, Buffer.from(secret, 'utf8')))
}

/** The key of `webhook-signature`, made once per secret. Throws `UnsendableError` for a secret that is no key. */
export function standardKey(secret: string): HmacKey {
  return standardKeys.get(secret) ?? keep(standardKeys, secret, hmacKey('sha256', standardKeyBytes(secret)))
}

function keep(keys: Map<string, HmacKey>, secret: string, key: HmacKey): HmacKey {
  if (keys.size >= MOST_KEYS) keys.clear()
  keys.set(secret, key)
  return key
}
