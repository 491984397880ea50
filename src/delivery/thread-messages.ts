import type { RecipientPolicy } from '../matching/event.ts'
import type { Answer } from './outcome.ts'
import type { WebhookRequest } from './request.ts'

/**
 * A request made ready to be copied to another thread, where each string of a list costs as much as a line of many: the
 * headers are one, the bodies of a batch travel in one piece, and the policy goes by name.
 */
export interface PackedRequest extends Omit<WebhookRequest, 'body' | 'headers' | 'recipients'> {
  readonly id: number
  /** Names and values in turn, a line each; neither holds a line break. */
  readonly headers: string
  readonly bodyBytes: number
  readonly policy: string
}

/** What a sending thread is told. */
export type ToThread =
  | {
      readonly kind: 'send'
      readonly requests: readonly PackedRequest[]
      /** The bodies of `requests`, one behind the other. */
      readonly bodies: Uint8Array<ArrayBuffer>
      /** Policies that the thread has not heard of, by name. */
      readonly policies: readonly (readonly [string, RecipientPolicy])[]
    }
  | { readonly kind: 'close' }

/** What a sending thread answers. */
export type FromThread =
  | { readonly kind: 'answers'; readonly answers: readonly (readonly [id: number, answer: Answer])[] }
  /** A kept connection had gone stale. */
  | { readonly kind: 'redialled'; readonly host: string }

/** Puts the bodies of requests behind each other, in memory that can be handed over without a copy. */
export function packBodies(requests: readonly WebhookRequest[]): Uint8Array<ArrayBuffer> {
  const bodies = new Uint8Array(requests.reduce((sum, { body }) => sum + body.length, 0))
  let at = 0
  for (const { body } of requests) {
    bodies.set(body, at)
    at += body.length
  }
  return bodies
}

/** The bodies that `packBodies` put together, without copying them. */
export function unpackBodies(requests: readonly PackedRequest[], bodies: Uint8Array<ArrayBuffer>): Buffer[] {
  let at = bodies.byteOffset
  return requests.map(({ bodyBytes }) => {
    const body = Buffer.from(bodies.buffer, at, bodyBytes)
    at += bodyBytes
    return body
  })
}
