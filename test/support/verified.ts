import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { Webhook as Svix } from 'svix'
import type { Received } from './receiver.ts'

/** What is wrong with the signatures of a request under a secret, by three independent implementations; empty if all is well. */
export function signatureFaults({ headers, body }: Received, secret: string, digest = 'sha256'): string[] {
  const faults: string[] = []
  const signed = headers as Record<string, string>
  const hmac = createHmac(digest, secret).update(body).digest('base64')
  if (signed['hook-hmac'] !== hmac) faults.push('Hook-HMAC')
  const key = secret.startsWith('whsec_') ? secret : `whsec_${Buffer.from(secret).toString('base64')}`
  const judges = {
    standardwebhooks: () => new Webhook(key).verify(body, signed, { jsonParse: false }),
    svix: () => new Svix(key).verify(body, signed),
  }
  for (const [name, judge] of Object.entries(judges)) {
    try {
      judge()
    } catch (error) {
      faults.push(`${name}: ${String(error)}`)
    }
  }
  return faults
}
