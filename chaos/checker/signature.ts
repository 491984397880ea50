import { createHmac } from 'node:crypto'
import type { RequestFact } from '../history.ts'
import type { Version } from './subscriber.ts'

/** What is wrong with the signatures of a request, if it was signed for this version of its subscriber; null if nothing. */
export function signatureFault({ headers }: RequestFact, body: Buffer, version: Version): string | null {
  const hmac = createHmac(version.digest, version.secret).update(body).digest('base64')
  if (headers['hook-hmac'] !== hmac) return 'Hook-HMAC'
  const [id, timestamp, given] = [headers['webhook-id'], headers['webhook-timestamp'], headers['webhook-signature']]
  if (id === undefined || timestamp === undefined || given === undefined) return 'a header is missing'
  const sign = (secret: string) =>
    `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest('base64')}`
  const newest = sign(version.secret)
  const both = version.oldSecret === null ? newest : `${newest} ${sign(version.oldSecret)}`
  // The timestamp is in whole seconds, so that within one second either may be right.
  const second = Number(timestamp) * 1000
  const allowed = [
    ...(second < version.oldSecretUntil ? [both] : []),
    ...(second + 1000 > version.oldSecretUntil ? [newest] : []),
  ]
  return allowed.includes(given) ? null : 'webhook-signature'
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)
}
