import type { Pool } from 'pg'
import type { Delivery } from '../delivery/delivery.ts'
import type { AttemptResult } from '../delivery/ports.ts'
import { HookdError } from '../errors.ts'
import { Disabler } from './disabler.ts'
import type { FlushContent, FlushTarget } from './flush.ts'
import { flush } from './flush.ts'
import type { DirectoryChanges, Progress } from './progress.ts'
import { WriteQueue } from './queue.ts'
import type { Refusal } from './salvage.ts'
import { isDataError, salvage } from './salvage.ts'
import { Unrecorded } from './unrecorded.ts'
import type { DeliveryWrite, ErrorWrite } from './writes.ts'

/** Settled deliveries that may wait for one progress record, so that a crash sends few of them twice. */
const MOST_UNRECORDED = 100
const LONGEST_UNRECORDED_MS = 50
/** Records that follow from nothing but deliveries are not made more often: for many of them, and for few. */
const LEAST_BETWEEN_MS = 20
const LEAST_BETWEEN_FEW_MS = 200
const FIRST_BACKOFF_MS = 50
const LONGEST_BACKOFF_MS = 2000

export interface WriterOptions {
  readonly pool: Pool
  readonly target: FlushTarget
  logAll(): boolean
  /** The position that follows once the deliveries in `unstored` are the only ones the writer still holds back. */
  snapshot(unstored: Iterable<Delivery>): { progress: Progress; directory: DirectoryChanges | null }
  /** A progress record is durable: its LSN may be confirmed. */
  recorded(lsn: bigint): void
  held(bytes: number): void
  failed(error: unknown): void
  /** Postgres refuses something for what it is; a dead letter or a row of `hookd.errors` stands in its place. */
  refused(refusal: Refusal): void
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/**
 * Gathers writes and flushes them in one transaction, one flush at a time.
 *
 * A flush that fails is tried again with the same content until it succeeds, another process takes the slot, or the run
 * ends; nothing is written after it before it has succeeded, because the position of a later one covers it too. What
 * Postgres would refuse every time is put aside instead.
 */
export class LedgerWriter {
  readonly #options: WriterOptions
  readonly #queue: WriteQueue
  readonly #disabler: Disabler
  readonly #answered = new Unrecorded()
  #unrecorded = 0
  /** When the content of the last flush was put together. */
  #takenAt = -Infinity
  #isDirty = false
  #isUrgent = false
  /** Taken from the queue and not durable yet. */
  #underway: FlushContent | null = null
  /** How many of the deliveries ever queued are durable. */
  #durable = 0
  #turn: Promise<void> = Promise.resolve()
  #waiters: { readonly upTo: number; resolve(): void }[] = []
  #wakeUp: () => void = () => undefined

  constructor(options: WriterOptions) {
    this.#options = options
    this.#queue = new WriteQueue((bytes) => options.held(bytes))
    this.#disabler = new Disabler(options)
  }

  /** Nothing is queued and nothing settled waits to be recorded. */
  get isQuiet(): boolean {
    return !this.#isDirty && this.#underway === null && this.#queue.isEmpty
  }

  /** So much was answered and is not recorded that a crash now would send too much again: nothing more should start. */
  get isBehind(): boolean {
    return this.#answered.isTooMuch(performance.now())
  }

  store(delivery: Delivery): void {
    this.#write(delivery, { state: 'pending', nextAttemptAtMs: null, result: null })
  }

  postpone(delivery: Delivery, result: AttemptResult, nextAttemptAtMs: number): void {
    this.#record(delivery, result)
    this.#write(delivery, { state: 'pending', nextAttemptAtMs, result })
  }

  settle(delivery: Delivery, state: 'delivered' | 'dead' | 'cancelled', result: AttemptResult | null): void {
    const logAll = this.#options.logAll()
    if (result !== null) this.#answered.add(performance.now())
    if (result !== null && (delivery.stored || state !== 'delivered' || logAll)) this.#record(delivery, result)
    if (delivery.stored || state !== 'delivered' || logAll) {
      this.#write(delivery, { state, nextAttemptAtMs: null, result })
    } else {
      delivery.tracker?.settle()
      delivery.tracker = null
    }
    this.touch()
  }

  error(error: ErrorWrite): void {
    this.#queue.error(error)
    this.#wake(true)
  }

  disable(subscriberId: string, reason: string): void {
    this.#disabler.disable(subscriberId, reason)
    this.#wake(true)
  }

  /** Something was settled: the position may have moved. */
  touch(): void {
    this.#unrecorded++
    if (this.#unrecorded === 1) this.#wake(false)
    else if (this.#unrecorded === MOST_UNRECORDED) this.#wakeRested()
  }

  /** Resolves once everything queued before the call is durable. */
  flushed(): Promise<void> {
    const upTo = this.#queue.queued
    if (this.#durable === upTo) return Promise.resolve()
    this.#wake(true)
    return new Promise((resolve) => this.#waiters.push({ upTo, resolve }))
  }

  /** Flushes until the signal aborts. What is left then is for `drain`. Rejects when fenced. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#due(signal)
      await this.#flush(signal)
      void this.#disabler.work(signal)
    }
  }

  /** Writes everything queued, also beside `run`. Rejects where that is not done when the signal aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(new Error('not everything could be written in time'))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    try {
      do await Promise.race([this.#flush(signal), aborted.promise])
      while (!this.isQuiet)
      await Promise.race([this.#disabler.work(signal), aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Many are unrecorded: as soon as the last record is old enough, also where nothing more is settled until then. */
  #wakeRested(): void {
    const restMs = LEAST_BETWEEN_MS - (performance.now() - this.#takenAt)
    if (restMs <= 0) return this.#wake(true)
    const wake = (): void => {
      if (this.#unrecorded >= MOST_UNRECORDED) this.#wake(true)
    }
    setTimeout(wake, restMs).unref()
  }

  #write(delivery: Delivery, write: Pick<DeliveryWrite, 'state' | 'nextAttemptAtMs' | 'result'>): void {
    const { attempts, batchId, stored } = delivery
    this.#queue.write({ ...write, delivery, isNew: !stored, attempts, batchId })
    delivery.stored = true
    this.#wake(write.state === 'pending' || this.#queue.isFull)
  }

  #record(delivery: Delivery, result: AttemptResult): void {
    const { id, replayed, attempts } = delivery
    if (attempts === 0) return // a dead letter that was never tried
    this.#queue.attempt({ deliveryId: id, replayed, attempt: attempts, result })
  }

  #wake(isUrgent: boolean): void {
    this.#isDirty = true
    this.#isUrgent ||= isUrgent
    this.#wakeUp()
  }

  /** Resolves when there is something to flush that is urgent or has waited long enough. */
  async #due(signal: AbortSignal): Promise<void> {
    if (!this.#isDirty) await this.#woken(signal, null)
    const restMs = LEAST_BETWEEN_FEW_MS - (performance.now() - this.#takenAt)
    if (!this.#isUrgent && this.#isDirty) await this.#woken(signal, Math.max(LONGEST_UNRECORDED_MS, restMs))
  }

  /** With a time, only what is urgent wakes it up earlier. */
  #woken(signal: AbortSignal, ms: number | null): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = ms === null ? undefined : setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      this.#wakeUp = (): void => {
        if (ms === null || this.#isUrgent) done()
      }
    })
  }

  #flush(signal: AbortSignal): Promise<void> {
    const turn = this.#turn.then(() => this.#flushNow(signal))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #flushNow(signal: AbortSignal): Promise<void> {
    this.#underway ??= this.#take()
    await this.#persist(this.#underway, signal)
    this.#queue.letGo(this.#underway.batch)
    this.#durable += this.#underway.batch.deliveries.length
    this.#answered.recorded()
    this.#options.recorded(this.#underway.progress.lsn)
    this.#underway = null
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.upTo > this.#durable) return true
      waiter.resolve()
      return false
    })
  }

  #take(): FlushContent {
    this.#isDirty = false
    this.#isUrgent = false
    this.#unrecorded = 0
    this.#takenAt = performance.now()
    const batch = this.#queue.take()
    this.#answered.take(this.#queue.size, performance.now())
    for (const { delivery } of batch.deliveries) {
      delivery.tracker?.settle()
      delivery.tracker = null
    }
    if (!this.#queue.isEmpty) this.#wake(true)
    return { batch, ...this.#options.snapshot(this.#queue.unstored()) }
  }

  async #persist(content: FlushContent, signal: AbortSignal): Promise<void> {
    for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2)) {
      try {
        return await this.#flushOrSalvage(content)
      } catch (error) {
        if (error instanceof HookdError) throw error
        this.#options.failed(error)
        if (signal.aborted) throw error
        await this.#options.sleep(backoffMs, signal)
      }
    }
  }

  async #flushOrSalvage(content: FlushContent): Promise<void> {
    const { pool, target, refused } = this.#options
    try {
      await flush(pool, target, content)
    } catch (error) {
      if (!isDataError(error)) throw error
      for (const refusal of await salvage(pool, target, content)) refused(refusal)
    }
  }
}
