import { verify, WebhookVerificationError } from '../delivery/verify.ts'
import type { HmacDigest } from '../subscriptions/subscriber.ts'
import type { ReceivedRequest } from './receiver.ts'

/** What is wrong with the two signatures of a webhook; null where both are right. */
export function webhookProblem({ headers, body }: ReceivedRequest, secret: string, digest: HmacDigest): string | null {
  try {
    verify({ headers, body }, secret, { scheme: 'webhook-signature' })
    verify({ headers, body }, secret, { scheme: 'hook-hmac', digest })
    return null
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.message
    throw error
  }
}
