const OUTAGE_AFTER = 5
const LONGEST_PROBE_MS = 60_000
const HOPELESS_AFTER_MS = 5 * 24 * 3_600_000
const HOPELESS_MESSAGES = 10

/**
 * How much a lane dares: full concurrency while the endpoint answers, one canary at a time after five failures in a
 * row, and a doubling window once it answers again. Pure: the caller passes monotonic milliseconds.
 */
export class LaneHealth {
  #concurrency: number
  #window: number
  /** Failed attempts since the last success. */
  #failures = 0
  /** Deliveries whose first attempt failed since the last success. */
  #failedMessages = 0
  #failingSince = 0
  #failedCanaries = 0
  #probeAt = 0

  constructor(concurrency: number) {
    this.#concurrency = concurrency
    this.#window = concurrency
  }

  /** Requests that may be in flight now. */
  get window(): number {
    return this.#window
  }

  get inOutage(): boolean {
    return this.#failures >= OUTAGE_AFTER
  }

  /** Neither in an outage nor on the way back from one. */
  get isWell(): boolean {
    return this.#window === this.#concurrency && !this.inOutage
  }

  get failures(): number {
    return this.#failures
  }

  /** When the next canary may go; 0 outside an outage. */
  get probeAt(): number {
    return this.inOutage ? this.#probeAt : 0
  }

  set concurrency(concurrency: number) {
    this.#window = this.isWell ? concurrency : Math.min(this.#window, concurrency)
    this.#concurrency = concurrency
  }

  success(): void {
    if (this.inOutage) this.#window = 1
    this.#failures = 0
    this.#failedMessages = 0
    this.#failedCanaries = 0
    if (this.#window < this.#concurrency) this.#window = Math.min(this.#concurrency, this.#window * 2)
  }

  /** `stepMs` is the first delay of the retry schedule: the distance of the first canaries. */
  failure(nowMs: number, attempt: { readonly stepMs: number; readonly isFirst: boolean }): void {
    if (this.#failures === 0) this.#failingSince = nowMs
    if (attempt.isFirst) this.#failedMessages++
    const wasInOutage = this.inOutage
    this.#failures++
    if (!this.inOutage) return
    // What was in flight when the outage began says nothing new; a canary does.
    if (wasInOutage && nowMs < this.#probeAt) return
    this.#window = 1
    const doublings = wasInOutage ? Math.min(++this.#failedCanaries, 16) : 0
    this.#probeAt = nowMs + Math.min(LONGEST_PROBE_MS, Math.max(attempt.stepMs, 1) * 2 ** doublings)
  }

  /** No success for five days, and at least ten messages failed. */
  isHopeless(nowMs: number): boolean {
    return this.#failedMessages >= HOPELESS_MESSAGES && nowMs - this.#failingSince >= HOPELESS_AFTER_MS
  }

  /** An operator resumed the subscriber, or its row changed: try again at once. */
  reset(): void {
    this.#failures = 0
    this.#failedMessages = 0
    this.#failedCanaries = 0
    this.#window = this.#concurrency
  }
}
