/** What an intake needs of the stream: to hold it back while something has to be fetched first. */
interface Flow {
  pause(): void
  resume(): void
}

/**
 * Passes the stream's messages to the decoder at once, or keeps copies of them while it is held up: at the start, until
 * the state behind the slot is loaded, and when a change needs a newer catalog.
 */
export class Intake {
  readonly #decode: (message: Buffer, lsn: string) => void
  readonly #flow: Flow
  readonly #failed: (error: unknown) => void
  #kept: { message: Buffer; lsn: string }[] = []
  #held = 0

  constructor(ports: { decode(message: Buffer, lsn: string): void; flow: Flow; failed(error: unknown): void }) {
    this.#decode = ports.decode
    this.#flow = ports.flow
    this.#failed = ports.failed
  }

  get isHeld(): boolean {
    return this.#held > 0
  }

  push(message: Buffer, lsn: string): void {
    if (this.#held > 0) this.#kept.push({ message: Buffer.from(message), lsn })
    else this.#decode(message, lsn)
  }

  /** Keeps what comes until `until` resolves, then passes it on in order. A rejection is reported once. */
  hold(until: Promise<void>): void {
    this.#held++
    this.#flow.pause()
    until.then(
      () => this.#release(),
      (error: unknown) => this.#failed(error),
    )
  }

  #release(): void {
    this.#held--
    while (this.#held === 0 && this.#kept.length > 0) {
      const kept = this.#kept
      this.#kept = []
      kept.forEach(({ message, lsn }, at) => {
        if (this.#held === 0) this.#decode(message, lsn)
        else this.#kept.push(...kept.slice(at, at + 1))
      })
    }
    if (this.#held === 0) this.#flow.resume()
  }
}
