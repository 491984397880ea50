import type { HmacDigest } from '../subscriptions/subscriber.ts'
import { hmacBase64 } from './hmac.ts'
import { hookKey, standardKey } from './secret.ts'

/** What a subscriber signs with. */
export interface SigningSecrets {
  /** Null: requests go out unsigned. */
  readonly secret: string | null
  readonly oldSecret: string | null
  /** Epoch milliseconds from which `oldSecret` no longer signs; null: it does not sign. */
  readonly oldSecretUntil: number | null
  readonly digest: HmacDigest
}

/** What a signature covers. */
export interface SignedContent {
  /** `webhook-id` */
  readonly id: string
  readonly body: Uint8Array
  /** Epoch milliseconds; `webhook-timestamp` is this in whole seconds. */
  readonly now: number
}

export interface Signatures {
  readonly hookHmac: string
  readonly webhookSignature: string
}

/**
 * Signs one request, or gives null where there is no secret.
 *
 * During a rotation `webhookSignature` holds two values, the newest secret's first. `hookHmac` can hold but one value
 * and is the newest secret's. Throws `UnsendableError` for a secret that is no key.
 */
export function sign(secrets: SigningSecrets, content: SignedContent): Signatures | null {
  const { secret, oldSecret, oldSecretUntil, digest } = secrets
  if (secret === null) return null
  const webhookSignature = standardSignature(secret, content)
  const rotating = oldSecret !== null && oldSecretUntil !== null && content.now < oldSecretUntil
  return {
    hookHmac: hookHmac(secret, digest, content.body),
    webhookSignature: rotating ? `${webhookSignature} ${standardSignature(oldSecret, content)}` : webhookSignature,
  }
}

/** `Hook-HMAC`: padded base64 of the HMAC over the exact bytes of the body, keyed by the secret's UTF-8 bytes. */
export function hookHmac(secret: string, digest: HmacDigest, body: Uint8Array): string {
  return hmacBase64(hookKey(secret, digest), '', body)
}

/**
 * One value of `webhook-signature`, `v1,…`.
 *
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function standardSignature(secret: string, { id, body, now }: SignedContent): string {
  return `v1,${hmacBase64(standardKey(secret), `${id}.${timestampOf(now)}.`, body)}`
}

/** Epoch milliseconds -> the whole seconds of `webhook-timestamp`. */
export function timestampOf(now: number): number {
  return Math.floor(now / 1000)
}
