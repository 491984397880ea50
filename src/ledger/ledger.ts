import type { Pool } from 'pg'
import type { Delivery } from '../delivery/delivery.ts'
import type {
  AttemptResult,
  DueDeliveries,
  FreshDeliveries,
  FreshQuery,
  LedgerPort,
  ParkedDeliveries,
} from '../delivery/ports.ts'
import type { Bodiless } from './reader.ts'
import { LedgerReader } from './reader.ts'
import type { WriterOptions } from './writer.ts'
import { LedgerWriter } from './writer.ts'
import type { ErrorWrite } from './writes.ts'

export interface LedgerOptions extends Omit<WriterOptions, 'sleep'> {
  /** For writes alone, so that no read keeps them waiting; `pool` is for reads. */
  readonly writerPool: Pool
  /** Ends the waiting for Postgres; what is read after it never answers. */
  readonly signal: AbortSignal
}

const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 2000

/** Deliveries and attempts in Postgres, as the lanes use them: writes are queued, reads wait for Postgres to be there. */
export class Ledger implements LedgerPort {
  readonly #options: LedgerOptions
  readonly #writer: LedgerWriter
  readonly #reader: LedgerReader

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#writer = new LedgerWriter({ ...options, pool: options.writerPool, sleep })
    this.#reader = new LedgerReader(options.pool, () => performance.now())
  }

  get isQuiet(): boolean {
    return this.#writer.isQuiet
  }

  get isBehind(): boolean {
    return this.#writer.isBehind
  }

  store(delivery: Delivery): void {
    this.#writer.store(delivery)
  }

  postpone(delivery: Delivery, result: AttemptResult, nextAttemptAtMs: number): void {
    this.#writer.postpone(delivery, result, nextAttemptAtMs)
  }

  settle(delivery: Delivery, state: 'delivered' | 'dead' | 'cancelled', result: AttemptResult | null): void {
    this.#writer.settle(delivery, state, result)
  }

  /** Makes a delivery that can never be sent a dead letter, without an attempt. */
  bury(delivery: Delivery, reason: string): void {
    const answer = { kind: 'failure', failure: 'unsendable', message: reason, durationMs: 0 } as const
    const outcome = { kind: 'dead', reason, disable: null } as const
    this.#writer.settle(delivery, 'dead', { atMs: Date.now(), url: '', answer, outcome })
  }

  disable(subscriberId: string, reason: string): void {
    this.#writer.disable(subscriberId, reason)
  }

  error(error: ErrorWrite): void {
    this.#writer.error(error)
  }

  touch(): void {
    this.#writer.touch()
  }

  /** Resolves once everything queued before the call is durable. */
  flushed(): Promise<void> {
    return this.#writer.flushed()
  }

  async readFresh(query: FreshQuery): Promise<FreshDeliveries> {
    return this.#withBodies(await this.#patiently(() => this.#reader.readFresh(query)))
  }

  async readDue(subscriberId: string, limit: number): Promise<DueDeliveries> {
    return this.#withBodies(await this.#patiently(() => this.#reader.readDue(subscriberId, limit)))
  }

  readParked(subscriberId: string): Promise<ParkedDeliveries> {
    return this.#patiently(() => this.#reader.readParked(subscriberId))
  }

  pendingSubscribers(): Promise<string[]> {
    return this.#patiently(() => this.#reader.pendingSubscribers())
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#writer.run(signal)
  }

  drain(signal: AbortSignal): Promise<void> {
    return this.#writer.drain(signal)
  }

  #withBodies<T extends Bodiless>(page: T): T {
    for (const delivery of page.bodiless) this.bury(delivery, 'the body of the message is gone')
    return page
  }

  async #patiently<T>(read: () => Promise<T>): Promise<T> {
    const { signal, failed } = this.#options
    await this.#writer.flushed()
    for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2)) {
      try {
        return await read()
      } catch (error) {
        if (!signal.aborted) failed(error)
        await sleep(backoffMs, signal)
        if (signal.aborted) return new Promise<T>(() => undefined)
      }
    }
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) done()
    else signal.addEventListener('abort', done, { once: true })
  })
}
