import type { Subscriber } from '../subscriptions/subscriber.ts'
import type { Delivery } from './delivery.ts'
import type { LaneDebt } from './lane.ts'
import { Lane } from './lane.ts'
import type { LanePorts } from './ports.ts'

/** Deliveries a direct lane may keep waiting; see `Pressure`. */
const LANE_FULL = 1000
const LANE_STARVING = 100
/** Payload in memory above which reading pauses, and below which it goes on. */
const HIGH_BYTES = 24 * 1024 * 1024
const LOW_BYTES = 12 * 1024 * 1024
/** The longest pause; a socket that is not read for longer can wedge the walsender. */
const LONGEST_PAUSE_MS = 800
/** How long other lanes may run dry while reading is paused for one. */
const PATIENCE_MS = 200
const SWEEP_MS = 50

export interface LanesOptions {
  readonly ports: Omit<LanePorts, 'held'>
  readonly spillAfterMs: number
  /** First delay of a subscriber's retry schedule: the distance of canaries in an outage. */
  stepOf(subscriber: Subscriber): number
  pauseReading(): void
  resumeReading(): void
}

/**
 * All lanes, and the memory they share.
 *
 * Reading pauses while memory is full or a lane is, as long as no other lane runs dry by it; otherwise the fullest lane
 * spills, so that a slow endpoint delays nobody.
 */
export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #active = new Set<Lane>()
  #heldBytes = 0
  #pausedSince: number | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(options: LanesOptions) {
    this.#options = options
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Bytes that came into or left memory; the ledger's writer counts in as well. */
  held(bytes: number): void {
    this.#heldBytes += bytes
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  offer(subscriber: Subscriber, delivery: Delivery): void {
    const lane = this.#lane(subscriber)
    this.#active.add(lane)
    lane.offer(delivery)
    if (this.#pausedSince === null && (lane.backlog >= LANE_FULL || this.#heldBytes >= HIGH_BYTES)) this.#press()
  }

  /** Opens the lane of a subscriber that has something in the ledger. */
  recover(subscriber: Subscriber, reason: string): void {
    const lane = this.#lane(subscriber)
    this.#active.add(lane)
    lane.recover(reason)
  }

  update(subscriber: Subscriber): void {
    this.#lanes.get(subscriber.id)?.update(subscriber)
  }

  remove(subscriberId: string): void {
    const lane = this.#lanes.get(subscriberId)
    if (lane === undefined) return
    this.#lanes.delete(subscriberId)
    lane.remove()
  }

  /** What is owed by lane; stored deliveries are the ledger's. */
  *debts(): Iterable<[string, LaneDebt]> {
    for (const lane of this.#active) {
      const debt = lane.debt()
      if (debt !== null) yield [lane.subscriber.id, debt]
    }
  }

  /** Stores what waits and lets what is in flight finish, until the signal aborts; then stores that too. */
  async drain(signal: AbortSignal): Promise<void> {
    for (const lane of this.#active) lane.close()
    while (!signal.aborted && [...this.#active].some((lane) => lane.inFlight > 0)) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    for (const lane of this.#active) lane.abandon()
  }

  /** Nothing waits or is in flight anywhere, neither in memory nor in the ledger. */
  get isIdle(): boolean {
    for (const lane of this.#active) if (!lane.isIdle) return false
    return true
  }

  counts(): { direct: number; spilled: number; disabled: number } {
    const counts = { direct: 0, spilled: 0, disabled: 0 }
    for (const lane of this.#lanes.values()) {
      if (!lane.subscriber.active || lane.subscriber.disabledReason !== null) counts.disabled++
      else counts[lane.mode]++
    }
    return counts
  }

  #lane(subscriber: Subscriber): Lane {
    let lane = this.#lanes.get(subscriber.id)
    if (lane === undefined) {
      const ports = { ...this.#options.ports, held: (bytes: number) => this.held(bytes) }
      lane = new Lane(subscriber, ports, this.#options.stepOf(subscriber))
      this.#lanes.set(subscriber.id, lane)
    }
    return lane
  }

  #sweep(): void {
    for (const lane of this.#active) {
      lane.sweep(this.#options.spillAfterMs)
      if (!lane.isIdle) continue
      this.#active.delete(lane)
      this.#lanes.delete(lane.subscriber.id)
    }
    if (this.#pausedSince !== null) this.#relieve()
  }

  #press(): void {
    this.#pausedSince = this.#options.ports.now()
    this.#options.pauseReading()
  }

  #relieve(): void {
    const pausedMs = this.#options.ports.now() - this.#pausedSince!
    const full = this.#fullest()
    const isFull = full !== null && full.backlog > LANE_FULL / 2
    if (!isFull && this.#heldBytes <= LOW_BYTES) return this.#resume()
    const isOverdue = pausedMs > LONGEST_PAUSE_MS
    const delaysOthers = isFull && pausedMs > PATIENCE_MS && this.#someoneStarves(full)
    if (full !== null && (isOverdue || delaysOthers)) full.spill('slower than the stream')
    if (isOverdue || delaysOthers) this.#resume()
  }

  #resume(): void {
    this.#pausedSince = null
    this.#options.resumeReading()
  }

  /** The direct lane with the most deliveries waiting. */
  #fullest(): Lane | null {
    let fullest: Lane | null = null
    for (const lane of this.#active) {
      if (lane.mode === 'direct' && lane.backlog > (fullest?.backlog ?? 0)) fullest = lane
    }
    return fullest
  }

  /** Another lane that could send has hardly anything left while reading is held up for `full`. */
  #someoneStarves(full: Lane): boolean {
    for (const lane of this.#active) {
      if (lane !== full && lane.mode === 'direct' && lane.backlog < LANE_STARVING) return true
    }
    return false
  }
}
