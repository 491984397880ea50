/** So many requests in a row, each made right after the one before was answered. */
const BURST = 3

/**
 * Recognises a server that waits for us in order to shut down: its walsender asks for a reply again and again, as soon as
 * the last request is answered. In normal work it asks once in half of `wal_sender_timeout`, if at all.
 */
export class AskedBurst {
  readonly #windowMs: number
  readonly #askedAt: number[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** Notes a request; true when it completes a burst. */
  asked(nowMs: number): boolean {
    this.#askedAt.push(nowMs)
    if (this.#askedAt.length > BURST) this.#askedAt.shift()
    return this.#askedAt.length === BURST && nowMs - this.#askedAt[0]! <= this.#windowMs
  }
}
