/** Something that must be over by a certain time. */
export interface Expiring {
  /** Monotonic milliseconds; Infinity until it counts. */
  readonly deadlineAt: number
  expire(): void
}

/**
 * One timer for all requests in flight: a timer each would cost more than the look at all of them a few times a second.
 *
 * A deadline is noticed up to `everyMs` late, never early. What lies in the kernel is read before anything expires, so
 * that a stall of this process is not held against an endpoint that has answered.
 */
export class Deadlines<T extends Expiring> {
  readonly #everyMs: number
  readonly #pending = new Set<T>()
  #timer: NodeJS.Timeout | null = null

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  add(item: T): void {
    this.#pending.add(item)
    this.#timer ??= setInterval(() => setImmediate(() => this.#look()), this.#everyMs)
  }

  remove(item: T): void {
    this.#pending.delete(item)
  }

  /** Everything that is not over yet. */
  pending(): T[] {
    return [...this.#pending]
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #look(): void {
    const now = performance.now()
    for (const item of this.#pending) {
      if (now < item.deadlineAt) continue
      this.#pending.delete(item)
      item.expire()
    }
    if (this.#pending.size === 0) this.stop()
  }
}
