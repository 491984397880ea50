import type { Pool } from 'pg'
import type { Delivery } from '../delivery/delivery.ts'
import type { AttemptResult } from '../delivery/ports.ts'
import { weightOf } from '../delivery/ports.ts'
import { HookdError } from '../errors.ts'
import type { FlushTarget } from './flush.ts'
import { flush } from './flush.ts'
import type { DirectoryChanges, Progress } from './progress.ts'
import type { AttemptWrite, Batch, DeliveryWrite, ErrorWrite } from './writes.ts'

/** Settled deliveries that may wait for one progress record, so that a crash sends few of them twice. */
const MOST_UNRECORDED = 100
const LONGEST_UNRECORDED_MS = 50
const MOST_DELIVERIES = 1000
const MOST_BYTES = 4 * 1024 * 1024

export interface WriterOptions {
  readonly pool: Pool
  readonly target: FlushTarget
  readonly logAll: boolean
  /** The position that follows once the deliveries in `unstored` are the only ones the writer still holds back. */
  snapshot(unstored: Iterable<Delivery>): { progress: Progress; directory: DirectoryChanges | null }
  /** A progress record is durable: its LSN may be confirmed. */
  recorded(lsn: bigint): void
  held(bytes: number): void
  failed(error: unknown): void
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/**
 * Gathers writes and flushes them in one transaction, one flush at a time.
 *
 * Writes to the same delivery between two flushes become one. A flush that fails is tried again with the same content
 * until it succeeds, another process takes the slot, or the run ends.
 */
export class LedgerWriter {
  readonly #options: WriterOptions
  #deliveries = new Map<string, DeliveryWrite>()
  #attempts: AttemptWrite[] = []
  #errors: ErrorWrite[] = []
  #disabled = new Map<string, string>()
  #unrecorded = 0
  #isDirty = false
  #isUrgent = false
  /** Deliveries queued, taken into a flush and made durable since the start. */
  #queued = 0
  #taken = 0
  #durable = 0
  #waiters: { readonly upTo: number; resolve(): void }[] = []
  #wakeUp: () => void = () => undefined

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** Nothing is queued and nothing settled waits to be recorded. */
  get isQuiet(): boolean {
    return !this.#isDirty && this.#durable === this.#queued
  }

  store(delivery: Delivery): void {
    this.#write(delivery, { state: 'pending', nextAttemptAtMs: null, result: null })
  }

  postpone(delivery: Delivery, result: AttemptResult, nextAttemptAtMs: number): void {
    this.#write(delivery, { state: 'pending', nextAttemptAtMs, result })
    this.#record(delivery, result)
  }

  settle(delivery: Delivery, state: 'delivered' | 'dead' | 'cancelled', result: AttemptResult | null): void {
    if (delivery.stored || state !== 'delivered' || this.#options.logAll) {
      this.#write(delivery, { state, nextAttemptAtMs: null, result })
      if (result !== null && (state !== 'delivered' || this.#options.logAll)) this.#record(delivery, result)
      return
    }
    delivery.tracker?.settle()
    delivery.tracker = null
    this.touch()
  }

  error(error: ErrorWrite): void {
    this.#errors.push(error)
    this.#wake(true)
  }

  disable(subscriberId: string, reason: string): void {
    this.#disabled.set(subscriberId, reason)
    this.#wake(true)
  }

  /** Something was settled: the position may have moved. */
  touch(): void {
    this.#unrecorded++
    if (this.#unrecorded === 1 || this.#unrecorded === MOST_UNRECORDED) this.#wake(this.#unrecorded > 1)
  }

  /** Resolves once everything queued before the call is durable. */
  flushed(): Promise<void> {
    if (this.#durable === this.#queued) return Promise.resolve()
    this.#wake(true)
    const upTo = this.#queued
    return new Promise((resolve) => this.#waiters.push({ upTo, resolve }))
  }

  /** Flushes until the signal aborts; then writes what is left once and returns. Rejects when fenced. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#due(signal)
      await this.#flush(signal)
    }
  }

  /** Writes everything queued now. */
  async drain(signal: AbortSignal): Promise<void> {
    do await this.#flush(signal)
    while (this.#deliveries.size > 0 && !signal.aborted)
  }

  #write(delivery: Delivery, write: Pick<DeliveryWrite, 'state' | 'nextAttemptAtMs' | 'result'>): void {
    const queued = this.#deliveries.get(delivery.id)
    const isNew = queued?.isNew ?? !delivery.stored
    if (queued === undefined) {
      this.#options.held(weightOf(delivery))
      this.#queued++
    }
    this.#deliveries.set(delivery.id, { ...write, delivery, isNew, attempts: delivery.attempts })
    delivery.stored = true
    this.#wake(this.#deliveries.size >= MOST_DELIVERIES || write.state === 'pending')
  }

  #record(delivery: Delivery, result: AttemptResult): void {
    this.#attempts.push({
      deliveryId: delivery.id,
      replayed: delivery.replayed,
      attempt: delivery.attempts,
      result,
    })
  }

  #wake(isUrgent: boolean): void {
    this.#isDirty = true
    this.#isUrgent ||= isUrgent
    this.#wakeUp()
  }

  async #due(signal: AbortSignal): Promise<void> {
    if (!this.#isDirty) await this.#woken(signal, Infinity)
    if (!this.#isUrgent && this.#isDirty) await this.#woken(signal, LONGEST_UNRECORDED_MS)
  }

  #woken(signal: AbortSignal, ms: number): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = ms === Infinity ? undefined : setTimeout(done, ms)
      const isWaitingForUrgency = ms !== Infinity
      const wakeUp = (): void => {
        if (!isWaitingForUrgency || this.#isUrgent) done()
      }
      function done(): void {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      this.#wakeUp = wakeUp
    })
  }

  async #flush(signal: AbortSignal): Promise<void> {
    const batch = this.#takeBatch()
    const taken = this.#taken
    for (const write of batch.deliveries) {
      write.delivery.tracker?.settle()
      write.delivery.tracker = null
    }
    const content = { batch, ...this.#options.snapshot(this.#unstored()) }
    await this.#persist(content, signal)
    this.#durable = taken
    for (const write of batch.deliveries) this.#options.held(-weightOf(write.delivery))
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.upTo > taken) return true
      waiter.resolve()
      return false
    })
    if (this.#waiters.length > 0) this.#wake(true)
  }

  async #persist(content: Parameters<typeof flush>[2], signal: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        const client = await this.#options.pool.connect()
        try {
          await flush(client, this.#options.target, content)
        } catch (error) {
          client.release(true)
          throw error
        }
        client.release()
        this.#options.recorded(content.progress.lsn)
        return
      } catch (error) {
        if (error instanceof HookdError) throw error
        this.#options.failed(error)
        if (signal.aborted) throw error
        await this.#options.sleep(Math.min(2000, 50 * 2 ** attempt), signal)
      }
    }
  }

  /** New deliveries that wait for a later flush: the slot still answers for them. */
  *#unstored(): Iterable<Delivery> {
    for (const { isNew, delivery } of this.#deliveries.values()) if (isNew) yield delivery
  }

  #takeBatch(): Batch {
    this.#isDirty = false
    this.#isUrgent = false
    this.#unrecorded = 0
    const deliveries: DeliveryWrite[] = []
    let bytes = 0
    for (const [id, write] of this.#deliveries) {
      if (deliveries.length >= MOST_DELIVERIES || bytes >= MOST_BYTES) break
      deliveries.push(write)
      bytes += weightOf(write.delivery)
      this.#deliveries.delete(id)
    }
    this.#taken += deliveries.length
    if (this.#deliveries.size > 0) this.#wake(true)
    const batch = { deliveries, attempts: this.#attempts, errors: this.#errors, disabled: this.#disabled }
    this.#attempts = []
    this.#errors = []
    this.#disabled = new Map()
    return batch
  }
}
