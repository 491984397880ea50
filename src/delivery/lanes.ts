import type { Subscriber } from '../subscriptions/subscriber.ts'
import type { Delivery } from './delivery.ts'
import { Lane } from './lane.ts'
import type { LaneDebt } from './lane-debt.ts'
import type { LanePorts } from './ports.ts'
import { Pressure } from './pressure.ts'

const SWEEP_MS = 50
const DRAIN_POLL_MS = 5
/**
 * Deliveries that all lanes together may keep waiting before reading pauses: what hookd itself is not fast enough for waits
 * in the WAL, where it costs nothing, rather than here until it is old enough to be spilled.
 */
const SHARED = 512
const LEAST_SHARE = 32

export interface LanesOptions {
  readonly ports: Omit<LanePorts, 'held' | 'hasRoom' | 'share'>
  spillAfterMs(): number
  /** First delay of a subscriber's retry schedule: the distance of canaries in an outage. */
  stepOf(subscriber: Subscriber): number
  pauseReading(): void
  resumeReading(): void
}

/** All lanes, by subscriber. A lane is there from its first delivery until it has nothing left to do or to remember. */
export class Lanes {
  readonly #options: LanesOptions
  readonly #ports: LanePorts
  readonly #pressure: Pressure
  readonly #lanes = new Map<string, Lane>()
  /** Those with something to do; lanes of removed subscribers until their last attempt has ended. */
  readonly #active = new Set<Lane>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: LanesOptions) {
    this.#options = options
    this.#pressure = new Pressure({
      now: () => options.ports.now(),
      pauseReading: () => options.pauseReading(),
      resumeReading: () => options.resumeReading(),
    })
    this.#ports = {
      ...options.ports,
      held: (bytes) => this.held(bytes),
      hasRoom: () => this.#pressure.hasRoom,
      share: () => Math.max(LEAST_SHARE, SHARED / this.#active.size),
    }
  }

  get heldBytes(): number {
    return this.#pressure.heldBytes
  }

  /** Bytes that came into or left memory; the ledger's writer counts in as well. */
  held(bytes: number): void {
    this.#pressure.held(bytes)
  }

  start(): void {
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  offer(subscriber: Subscriber, delivery: Delivery): void {
    const lane = this.#activate(subscriber)
    lane.offer(delivery)
    this.#pressure.press(lane, this.#active.size)
  }

  /** Opens the lane of a subscriber that has something in the ledger. */
  recover(subscriber: Subscriber, reason: string): void {
    this.#activate(subscriber).recover(reason)
  }

  update(subscriber: Subscriber): void {
    const lane = this.#lanes.get(subscriber.id)
    if (lane === undefined) return
    this.#active.add(lane)
    lane.update(subscriber, this.#options.stepOf(subscriber))
  }

  remove(subscriberId: string): void {
    const lane = this.#lanes.get(subscriberId)
    if (lane === undefined) return
    this.#lanes.delete(subscriberId)
    this.#active.add(lane)
    lane.remove()
  }

  /** What is owed by subscriber; stored deliveries are the ledger's, and nothing is owed to whoever was removed. */
  *debts(): Iterable<[string, LaneDebt]> {
    for (const lane of this.#active) {
      const debt = lane.isRemoved ? null : lane.debt()
      if (debt !== null) yield [lane.subscriber.id, debt]
    }
  }

  /** Stores what waits and lets what is in flight finish, until the signal aborts; then stores that too. */
  async drain(signal: AbortSignal): Promise<void> {
    for (const lane of this.#active) lane.close()
    while (!signal.aborted && [...this.#active].some((lane) => lane.inFlight > 0)) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS))
    }
    for (const lane of this.#active) lane.abandon()
  }

  /** Nothing waits or is in flight anywhere, neither in memory nor in the ledger, but for subscribers that are off. */
  get isIdle(): boolean {
    for (const lane of this.#active) if (!lane.isQuiet) return false
    return true
  }

  /** Nothing is in flight or about to be; what failed may still wait for its next attempt. */
  get isResting(): boolean {
    for (const lane of this.#active) if (!lane.isResting) return false
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

  /** What held all lanes back has gone. */
  pump(): void {
    for (const lane of this.#active) lane.pump()
  }

  /** Looks at the clock on behalf of every lane; `start` has it called every few milliseconds. */
  sweep(): void {
    const spillAfterMs = this.#options.spillAfterMs()
    for (const lane of this.#active) {
      lane.sweep(spillAfterMs)
      if (!lane.isQuiet) continue
      this.#active.delete(lane)
      if (lane.isForgettable && this.#lanes.get(lane.subscriber.id) === lane) this.#lanes.delete(lane.subscriber.id)
    }
    this.#pressure.relieve(this.#active)
  }

  #activate(subscriber: Subscriber): Lane {
    let lane = this.#lanes.get(subscriber.id)
    if (lane === undefined) {
      lane = new Lane(subscriber, this.#ports, this.#options.stepOf(subscriber))
      this.#lanes.set(subscriber.id, lane)
    }
    this.#active.add(lane)
    return lane
  }
}
