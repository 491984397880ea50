import PQueue from 'p-queue'

const LONGEST_INTERVAL_MS = 2 ** 31 - 1
const FASTEST = 1_000_000

/** Starts requests no faster than `rateLimit` a second, over any stretch of time. */
export class LanePace {
  readonly #resumed: () => void
  #rateLimit: number | null = null
  /** Null without a limit: how many are in flight is for the lane to say. */
  #queue: PQueue | null = null

  /** `resumed` is called when one that had to wait has started. */
  constructor(rateLimit: number | null, resumed: () => void) {
    this.#resumed = resumed
    this.set(rateLimit)
  }

  get isLimited(): boolean {
    return this.#queue !== null
  }

  /** One waits for its turn already: more would only wait behind it. */
  get isFull(): boolean {
    return this.#queue !== null && this.#queue.size > 0
  }

  set(rateLimit: number | null): void {
    if (rateLimit === this.#rateLimit) return
    this.#rateLimit = rateLimit
    this.#queue = rateLimit === null || rateLimit >= FASTEST ? null : paced(rateLimit)
    this.#queue?.addEventListener('active', () => this.#resumed())
  }

  /** The task never rejects. */
  start(task: () => Promise<void>): void {
    if (this.#queue === null) void task()
    else void this.#queue.add(task)
  }
}

function paced(rateLimit: number): PQueue {
  const intervalCap = Math.ceil(rateLimit / 10)
  const interval = Math.min((intervalCap * 1000) / rateLimit, LONGEST_INTERVAL_MS)
  return new PQueue({ intervalCap, interval, strict: true })
}
