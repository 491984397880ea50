import type { RecipientPolicy } from '../matching/event.ts'

/** One POST, ready to go: everything the wire needs and nothing else. */
export interface WebhookRequest {
  readonly url: string
  /** Flat `[name, value, name, value, …]`, complete but for Host and Content-Length. */
  readonly headers: readonly string[]
  readonly body: Buffer
  /** Deadline for the whole exchange, from DNS to the last byte of the answer. */
  readonly timeoutMs: number
  readonly recipients: RecipientPolicy
  readonly keepAlive: boolean
}
