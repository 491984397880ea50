import type { Lane } from './lane.ts'

/** Bytes in memory above which reading pauses, below which it goes on, and above which it goes on for nobody. */
const HIGH_BYTES = 12 * 1024 * 1024
const LOW_BYTES = 6 * 1024 * 1024
const LIMIT_BYTES = 32 * 1024 * 1024
/** The longest pause; a socket that is not read for longer can wedge the walsender. */
const LONGEST_PAUSE_MS = 800
/** How long other lanes may run dry while reading is paused. */
const PATIENCE_MS = 200

export interface PressureOptions {
  /** Monotonic milliseconds. */
  now(): number
  pauseReading(): void
  resumeReading(): void
}

/**
 * The memory that all lanes share.
 *
 * Reading pauses while memory or a lane is full; when that lasts, or other lanes run dry by it, the full lanes spill and
 * reading goes on. Only where the ledger does not take it up either does the pause last until it does.
 */
export class Pressure {
  readonly #options: PressureOptions
  #heldBytes = 0
  /** Since when reading is paused, and the lane that was given something then; null while it is not. */
  #paused: { readonly sinceMs: number; readonly by: Lane; readonly busyLanes: number } | null = null

  constructor(options: PressureOptions) {
    this.#options = options
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get hasRoom(): boolean {
    return this.#heldBytes < HIGH_BYTES
  }

  /** Counts bytes that came into or left memory; where that was what reading waited for, it goes on at once. */
  held(bytes: number): void {
    this.#heldBytes += bytes
    if (bytes < 0 && this.#paused !== null && this.#heldBytes <= LOW_BYTES && this.#paused.by.hasRoom) this.#resume()
  }

  /** Pauses reading where the lane that was just given something, or memory, is full. `busyLanes`: how many have work. */
  press(lane: Lane, busyLanes: number): void {
    if (this.#paused !== null || (!lane.isFull && this.hasRoom)) return
    this.#paused = { sinceMs: this.#options.now(), by: lane, busyLanes }
    this.#options.pauseReading()
  }

  /** To be called every few milliseconds. */
  relieve(busy: Iterable<Lane>): void {
    if (this.#paused === null) return
    const lanes = [...busy]
    const direct = lanes.filter((lane) => lane.mode === 'direct')
    const full = direct.filter((lane) => !lane.hasRoom)
    if (full.length === 0 && this.#heldBytes <= LOW_BYTES) return this.#resume()
    const pausedMs = this.#options.now() - this.#paused.sinceMs
    const othersRunDry = lanes.length < this.#paused.busyLanes || direct.some((lane) => lane.isHungry)
    if (!(othersRunDry && pausedMs > PATIENCE_MS) && pausedMs <= LONGEST_PAUSE_MS) return
    for (const lane of full) lane.spill('slower than the stream')
    this.#spillLargest(direct.filter((lane) => lane.mode === 'direct'))
    if (this.#heldBytes < LIMIT_BYTES) this.#resume()
  }

  #spillLargest(lanes: Lane[]): void {
    let excess = this.#heldBytes - LOW_BYTES
    for (const lane of lanes.toSorted((a, b) => b.heldBytes - a.heldBytes)) {
      if (excess <= 0 || lane.backlog === 0) return
      excess -= lane.heldBytes
      lane.spill('memory is short')
    }
  }

  #resume(): void {
    if (this.#paused === null) return
    this.#paused = null
    this.#options.resumeReading()
  }
}
