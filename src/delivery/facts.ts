import type { EmittedMessage, RowChange, TruncateChange } from '../replication/change.ts'
import type { Envelope, EventDefinition } from '../matching/event.ts'
import type { ContentType } from '../subscriptions/subscriber.ts'

/** Gives, for a type, the function that turns a cell's text into JSON text; see `values/to-json.ts`. */
export type CellConverter = (typeOid: number) => (text: string) => string

/** Everything a message's bodies are rendered from. */
export interface MessageFacts {
  readonly id: string
  /** The event's name as sent. */
  readonly name: string
  readonly definition: EventDefinition
  readonly change: RowChange | TruncateChange | EmittedMessage
  /** What `hookd.emit` was given; null unless `change` is its message. */
  readonly emitted: EmittedFacts | null
}

/** The arguments of `hookd.emit`. */
export interface EmittedFacts {
  /** JSON text. */
  readonly data: string
  /** A URL as it is to be sent; null: the event's template, if it has one. */
  readonly ref: string | null
  /** JSON text; null: the event's column, if it names one. */
  readonly sender: string | null
}

/** What a body can depend on beside its message. */
export interface BodyTarget {
  readonly envelope: Envelope
  readonly contentType: ContentType
  readonly config: Readonly<Record<string, unknown>> | null
  readonly subscriberId: string
  readonly url: string
}

export type PayloadProblem =
  'missing_column' | 'unknown_value' | 'unreadable_value' | 'null_value' | 'bad_template' | 'too_large'

/** A body cannot be rendered. The message is a sentence that names table and column, and no value. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError'
  readonly problem: PayloadProblem

  constructor(problem: PayloadProblem, message: string) {
    super(message)
    this.problem = problem
  }
}
