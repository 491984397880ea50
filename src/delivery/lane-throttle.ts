import type { Subscriber } from '../subscriptions/subscriber.ts'
import { LaneHealth } from './lane-health.ts'
import { LanePace } from './lane-pace.ts'
import type { Outcome } from './outcome.ts'

/** The first delay assumed for canaries where a subscriber's own schedule is empty. */
const DEFAULT_STEP_MS = 5000

/** Whether a lane may send, and how much: the endpoint's health, the pauses it asked for, and the subscriber's rate. */
export class LaneThrottle {
  readonly #health: LaneHealth
  readonly #pace: LanePace
  #stepMs: number
  #pausedUntil = 0

  /** `resumed` is called when a request that the rate held back has started. */
  constructor(subscriber: Subscriber, stepMs: number, resumed: () => void) {
    this.#health = new LaneHealth(subscriber.concurrency)
    this.#pace = new LanePace(subscriber.rateLimit, resumed)
    this.#stepMs = stepMs
  }

  get inOutage(): boolean {
    return this.#health.inOutage
  }

  /** A new throttle would do the same. */
  get hasNothingToRemember(): boolean {
    return this.#health.failures === 0 && this.#health.isWell && !this.#pace.isLimited
  }

  isOpen(now: number): boolean {
    return now >= this.#pausedUntil && now >= this.#health.probeAt
  }

  /** Whether one more may be in flight. */
  hasWindow(inFlight: number): boolean {
    return inFlight < this.#health.window && !this.#pace.isFull
  }

  /** How many deliveries to read back: few from behind an endpoint that fails, so that many of those do not fill the memory. */
  pageSize(most: number): number {
    return this.#health.isWell ? most : Math.min(most, this.#health.window * 4)
  }

  /** Starts the task as soon as the rate lets it. The task never rejects. */
  start(task: () => Promise<void>): void {
    this.#pace.start(task)
  }

  learn(outcome: Outcome, now: number, isFirst: boolean): void {
    if (outcome.kind === 'delivered') this.#health.success()
    else if (outcome.kind === 'uncharged') this.#pause(now + outcome.afterMs)
    else {
      this.#health.failure(now, { stepMs: this.#stepMs || DEFAULT_STEP_MS, isFirst })
      if (outcome.kind === 'retry' && outcome.pauseMs > 0) this.#pause(now + outcome.pauseMs)
    }
  }

  /** No success for so long that the subscriber should be disabled. */
  isHopeless(now: number): boolean {
    return this.#health.isHopeless(now)
  }

  update(subscriber: Subscriber, stepMs: number): void {
    this.#stepMs = stepMs
    this.#health.concurrency = subscriber.concurrency
    this.#pace.set(subscriber.rateLimit)
  }

  /** The endpoint is another one, or an operator says that it is well. */
  reset(): void {
    this.#health.reset()
    this.#pausedUntil = 0
  }

  #pause(until: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, until)
  }
}
