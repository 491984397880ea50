/** How many answered deliveries a crash may send again, however slow the writes to Postgres are … */
const MOST = 200
/** … unless they were all answered within so short a time. */
const RECENT_MS = 100

/**
 * Counts the deliveries that were answered and that no durable record names yet: what a crash would send again.
 *
 * Times are monotonic milliseconds.
 */
export class Unrecorded {
  #waiting = 0
  #underway = 0
  /** When the oldest of them was answered, or earlier. */
  #since = 0
  #takenAt = 0

  /** One more was answered. */
  add(now: number): void {
    if (this.#waiting + this.#underway === 0) this.#since = now
    this.#waiting++
  }

  /** All but at most `left` of them are being written. */
  take(left: number, now: number): void {
    const stay = Math.min(left, this.#waiting)
    this.#underway += this.#waiting - stay
    this.#waiting = stay
    this.#takenAt = now
  }

  /** What was being written is durable. */
  recorded(): void {
    this.#underway = 0
    this.#since = this.#takenAt
  }

  /** Whether nothing more should be sent before some of them are recorded. */
  isTooMuch(now: number): boolean {
    return this.#waiting + this.#underway >= MOST && now - this.#since > RECENT_MS
  }
}
