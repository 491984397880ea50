import type { Subscriber } from '../subscriptions/subscriber.ts'

/** What one subscriber gets of a message; subscribers with the same variant share one body. */
export interface RenderedBody {
  readonly body: Buffer
  readonly variant: string
  readonly contentType: string
  /** The event's own headers, flat `[name, value, …]`. */
  readonly headers: readonly string[]
}

/** A message of which each variant is rendered when somebody needs it. */
export interface RenderedMessage {
  /** The name sent. */
  readonly event: string
  /** Throws `PayloadError` where a template or a value fails. */
  bodyFor(subscriber: Subscriber): RenderedBody
}
