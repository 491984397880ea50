/** What an intake needs of the stream: to hold it back while something has to be fetched first. */
interface Flow {
  pause(): void
  resume(): void
}

interface IntakePorts {
  readonly flow: Flow
  decode(message: Buffer, lsn: string): void
  /** What the server remarks on the message to come. */
  notice(text: string): void
  failed(error: unknown): void
}

/**
 * Passes the stream's messages to the decoder at once, or keeps copies of them while it is held up: at the start, until
 * the state behind the slot is loaded, and when a change needs a newer catalog.
 */
export class Intake {
  readonly #decode: (message: Buffer, lsn: string) => void
  readonly #notice: (text: string) => void
  readonly #flow: Flow
  readonly #failed: (error: unknown) => void
  #kept: (() => void)[] = []
  #held = 0

  constructor(ports: IntakePorts) {
    this.#decode = ports.decode
    this.#notice = ports.notice
    this.#flow = ports.flow
    this.#failed = ports.failed
  }

  get isHeld(): boolean {
    return this.#held > 0
  }

  push(message: Buffer, lsn: string): void {
    if (this.#held === 0) return this.#decode(message, lsn)
    const copy = Buffer.from(message)
    this.#kept.push(() => this.#decode(copy, lsn))
  }

  pushNotice(text: string): void {
    if (this.#held === 0) this.#notice(text)
    else this.#kept.push(() => this.#notice(text))
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
    const kept = this.#kept
    let passed = 0
    while (this.#held === 0 && passed < kept.length) kept[passed++]!()
    this.#kept = kept.slice(passed)
    if (this.#held === 0) this.#flow.resume()
  }
}
