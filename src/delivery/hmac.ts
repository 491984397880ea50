import { hash } from 'node:crypto'
import type { HmacDigest } from '../subscriptions/subscriber.ts'

/** A key made ready for one digest. */
export interface HmacKey {
  readonly digest: HmacDigest
  readonly inner: Buffer
  /** The outer pad, with room for the inner hash behind it. */
  readonly outer: Buffer
}

const BLOCK_BYTES = { sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128 } as const
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c

let scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** Pads a key as HMAC wants it (RFC 2104, section 2). */
export function hmacKey(digest: HmacDigest, secret: Uint8Array): HmacKey {
  const block = BLOCK_BYTES[digest]
  const key = secret.length > block ? hash(digest, secret, 'buffer') : secret
  const inner = Buffer.alloc(block, INNER_PAD)
  const outer = Buffer.alloc(block + hash(digest, '', 'buffer').length, OUTER_PAD)
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ INNER_PAD
    outer[at] = byte ^ OUTER_PAD
  }
  return { digest, inner, outer }
}

/**
 * Base64 of the HMAC over `prefix` (ASCII) and `body`.
 *
 * Two one-shot hashes cost half of `createHmac`, whose objects are expensive to make, and every request needs two.
 */
export function hmacBase64({ digest, inner, outer }: HmacKey, prefix: string, body: Uint8Array): string {
  const bodyAt = inner.length + prefix.length
  const size = bodyAt + body.length
  if (size > scratch.length) scratch = Buffer.allocUnsafeSlow(size)
  scratch.set(inner)
  scratch.write(prefix, inner.length, 'latin1')
  scratch.set(body, bodyAt)
  outer.write(hash(digest, scratch.subarray(0, size), 'binary'), inner.length, 'binary')
  return hash(digest, outer, 'base64')
}
