import type { Delivery } from '../delivery/delivery.ts'
import { weightOf } from '../delivery/ports.ts'
import type { AttemptWrite, Batch, DeliveryWrite, ErrorWrite } from './writes.ts'
import { weightOfAttempt, weightOfError } from './writes.ts'

const MOST_DELIVERIES = 1000
const MOST_BYTES = 4 * 1024 * 1024

/** What waits to be written, in order. Writes to the same delivery become one as long as they wait. */
export class WriteQueue {
  readonly #held: (bytes: number) => void
  readonly #deliveries = new Map<string, DeliveryWrite>()
  #attempts: AttemptWrite[] = []
  #errors: ErrorWrite[] = []
  #queued = 0

  /** `held` counts the bytes that come into memory by this queue, and that leave it when a batch is durable. */
  constructor(held: (bytes: number) => void) {
    this.#held = held
  }

  /** Deliveries queued since the start; a write that merged with one that waits does not count. */
  get queued(): number {
    return this.#queued
  }

  /** Deliveries that wait. */
  get size(): number {
    return this.#deliveries.size
  }

  get isEmpty(): boolean {
    return this.#deliveries.size === 0
  }

  /** Enough for a batch. */
  get isFull(): boolean {
    return this.#deliveries.size >= MOST_DELIVERIES
  }

  /** Queues a write, or puts it in the place of the one to the same delivery that still waits. */
  write(write: DeliveryWrite): void {
    const { delivery } = write
    const waiting = this.#deliveries.get(delivery.id)
    if (waiting === undefined) {
      this.#held(weightOf(delivery))
      this.#queued++
    }
    this.#deliveries.set(delivery.id, { ...write, isNew: waiting?.isNew ?? write.isNew })
  }

  attempt(attempt: AttemptWrite): void {
    this.#held(weightOfAttempt(attempt))
    this.#attempts.push(attempt)
  }

  error(error: ErrorWrite): void {
    this.#held(weightOfError(error))
    this.#errors.push(error)
  }

  /** New deliveries that wait: the slot still answers for them. */
  *unstored(): Iterable<Delivery> {
    for (const { isNew, delivery } of this.#deliveries.values()) if (isNew) yield delivery
  }

  /** The first deliveries, as many as one transaction should hold, and all attempts and errors. */
  take(): Batch {
    const deliveries: DeliveryWrite[] = []
    let bytes = 0
    for (const [id, write] of this.#deliveries) {
      if (deliveries.length >= MOST_DELIVERIES || bytes >= MOST_BYTES) break
      deliveries.push(write)
      bytes += weightOf(write.delivery)
      this.#deliveries.delete(id)
    }
    const batch = { deliveries, attempts: this.#attempts, errors: this.#errors }
    this.#attempts = []
    this.#errors = []
    return batch
  }

  /** The batch is durable: nobody holds its content any more. */
  letGo({ deliveries, attempts, errors }: Batch): void {
    let bytes = 0
    for (const { delivery } of deliveries) bytes += weightOf(delivery)
    for (const attempt of attempts) bytes += weightOfAttempt(attempt)
    for (const error of errors) bytes += weightOfError(error)
    this.#held(-bytes)
  }
}
