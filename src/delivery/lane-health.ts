const OUTAGE_AFTER = 5
const LONGEST_PROBE_MS = 60_000

/**
 * How much a lane dares: full concurrency while the endpoint answers, one canary at a time after five failures in a
 * row, and a doubling window once it answers again. Pure: the caller passes monotonic milliseconds.
 */
export class LaneHealth {
  #concurrency: number
  #window: number
  #failures = 0
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

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures
  }

  /** When the next canary may go; 0 outside an outage. */
  get probeAt(): number {
    return this.inOutage ? this.#probeAt : 0
  }

  set concurrency(concurrency: number) {
    const recovering = this.#window < this.#concurrency
    this.#concurrency = concurrency
    this.#window = recovering ? Math.min(this.#window, concurrency) : concurrency
  }

  success(): void {
    if (this.inOutage) this.#window = 1
    this.#failures = 0
    this.#window = Math.min(this.#concurrency, this.#window * 2)
  }

  /** `stepMs` is the first delay of the retry schedule: the distance of the first canaries. */
  failure(nowMs: number, stepMs: number): void {
    this.#failures++
    if (!this.inOutage) return
    this.#window = 1
    const doublings = Math.min(this.#failures - OUTAGE_AFTER, 16)
    this.#probeAt = nowMs + Math.min(LONGEST_PROBE_MS, Math.max(stepMs, 1) * 2 ** doublings)
  }

  /** An operator resumed the subscriber, or its row changed: try again at once. */
  reset(): void {
    this.#failures = 0
    this.#window = this.#concurrency
  }
}
