import type { FailureClass } from './outcome.ts'

/** A request cannot even be put together: the subscriber's row (or the event) has to change first. */
export class UnsendableError extends Error {
  override readonly name = 'UnsendableError'
  readonly failure: Extract<FailureClass, 'bad_header' | 'bad_secret'>

  /** `message` is a sentence that names no value. */
  constructor(failure: UnsendableError['failure'], message: string) {
    super(message)
    this.failure = failure
  }
}
