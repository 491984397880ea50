import type { Delivery } from '../../../src/delivery/delivery.ts'
import { weightOf } from '../../../src/delivery/ports.ts'
import type {
  AttemptResult,
  Cursor,
  DueDeliveries,
  FreshDeliveries,
  FreshQuery,
  LedgerPort,
  ParkedDeliveries,
} from '../../../src/delivery/ports.ts'

export type State = 'pending' | 'delivered' | 'dead' | 'cancelled'

/** One row of the ledger, as a crash leaves it. */
export interface Row {
  readonly delivery: Delivery
  state: State
  attempts: number
  nextAttemptAtMs: number | null
  replayed: number
  batchId: string | null
}

interface Write {
  readonly delivery: Delivery
  readonly isNew: boolean
  readonly state: State
  readonly nextAttemptAtMs: number | null
  readonly attempts: number
  readonly batchId: string | null
}

interface Read {
  /** Writes that must be durable before the page is taken. */
  readonly upTo: number
  take(): () => void
}

/**
 * The ledger by its contract, in memory: writes become durable when the test says so, and so do reads, which see every
 * write queued before them. What was taken can be handed over later still, when the page is stale.
 */
export class FakeLedger implements LedgerPort {
  readonly rows: Map<string, Row>
  readonly disabled = new Map<string, string>()
  heldBytes = 0
  queries = 0
  readonly #saveProgress: () => void
  #writes: Write[] = []
  #flushed = 0
  #reads: Read[] = []
  #pages: (() => void)[] = []

  /** `saveProgress` is called with every flush, as part of it. */
  constructor(rows = new Map<string, Row>(), saveProgress: () => void = () => undefined) {
    this.rows = rows
    this.#saveProgress = saveProgress
  }

  get isQuiet(): boolean {
    return this.#writes.length + this.#reads.length + this.#pages.length === 0
  }

  /** New deliveries that are queued but not durable. */
  *unstored(): Iterable<Delivery> {
    for (const { isNew, delivery } of this.#writes) if (isNew) yield delivery
  }

  store(delivery: Delivery): void {
    this.#write(delivery, 'pending', null)
  }

  postpone(delivery: Delivery, _result: AttemptResult, nextAttemptAtMs: number): void {
    this.#write(delivery, 'pending', nextAttemptAtMs)
  }

  settle(delivery: Delivery, state: 'delivered' | 'dead' | 'cancelled'): void {
    if (delivery.stored || state !== 'delivered') return this.#write(delivery, state, null)
    delivery.tracker!.settle()
    delivery.tracker = null
  }

  disable(subscriberId: string, reason: string): void {
    this.disabled.set(subscriberId, reason)
  }

  readFresh(query: FreshQuery): Promise<FreshDeliveries> {
    return this.#read(() => this.#fresh(query))
  }

  readDue(_subscriberId: string, limit: number): Promise<DueDeliveries> {
    return this.#read(() => this.#due(limit))
  }

  readParked(): Promise<ParkedDeliveries> {
    return this.#read(() => {
      const rows = this.#pending((row) => row.attempts > 0)
      const items = rows.map(({ delivery: { id, key, oldKey } }) => ({ id, key, oldKey }))
      return { items, nextDueAtMs: earliest(rows), isComplete: true }
    })
  }

  /** Makes the first `count` writes durable, all at once. */
  flush(count = Infinity): void {
    const batch = this.#writes.splice(0, count)
    for (const { delivery } of batch) {
      delivery.tracker?.settle()
      delivery.tracker = null
      this.heldBytes -= weightOf(delivery)
    }
    this.#saveProgress()
    for (const write of batch) this.#apply(write)
    this.#flushed += batch.length
  }

  /** Takes the page of a read that waits, once its writes are durable. */
  takePage(at: number): void {
    const read = this.#reads[at % this.#reads.length]
    if (read === undefined) return
    while (read.upTo > this.#flushed) this.flush()
    this.#reads.splice(this.#reads.indexOf(read), 1)
    this.#pages.push(read.take())
  }

  /** Hands a page over that was taken. */
  handOver(at: number): void {
    if (this.#pages.length === 0) return
    const [page] = this.#pages.splice(at % this.#pages.length, 1)
    page!()
  }

  replay(id: string): void {
    const row = this.rows.get(id)
    if (row === undefined || row.state === 'pending') return
    Object.assign(row, { state: 'pending', attempts: 0, nextAttemptAtMs: null, batchId: null })
    row.replayed++
  }

  #write(delivery: Delivery, state: State, nextAttemptAtMs: number | null): void {
    const { attempts, batchId, stored } = delivery
    this.heldBytes += weightOf(delivery)
    this.#writes.push({ delivery, isNew: !stored, state, nextAttemptAtMs, attempts, batchId })
    delivery.stored = true
  }

  #apply({ delivery, isNew, state, nextAttemptAtMs, attempts, batchId }: Write): void {
    const row = this.rows.get(delivery.id)
    if (row === undefined) {
      if (!isNew) throw new Error('an update of a delivery that is not stored')
      this.rows.set(delivery.id, { delivery, state, nextAttemptAtMs, attempts, batchId, replayed: 0 })
    } else if (row.state === 'pending' && (isNew ? attempts > row.attempts : delivery.replayed === row.replayed)) {
      Object.assign(row, { state, nextAttemptAtMs, attempts, batchId })
    }
  }

  #read<T>(take: () => T): Promise<T> {
    this.queries++
    const upTo = this.#flushed + this.#writes.length
    return new Promise((resolve) => {
      const hand = (): (() => void) => {
        const page = take()
        return () => resolve(page)
      }
      this.#reads.push({ upTo, take: hand })
    })
  }

  #fresh({ after, without, limit }: FreshQuery): FreshDeliveries {
    const rows = this.#pending((row) => row.attempts === 0)
      .filter(({ delivery }) => after === null || compare(cursorOf(delivery), after) > 0)
      .filter(({ delivery }) => delivery.oldKey !== null || !without.includes(delivery.key))
      .toSorted((a, b) => compare(cursorOf(a.delivery), cursorOf(b.delivery)))
    const page = rows.slice(0, limit)
    const deliveries = page.map((row) => ({ delivery: readBack(row), cursor: cursorOf(row.delivery) }))
    return { deliveries, isLast: rows.length < limit }
  }

  #due(limit: number): DueDeliveries {
    const waiting = this.#pending((row) => row.attempts > 0).toSorted((a, b) => a.nextAttemptAtMs! - b.nextAttemptAtMs!)
    const due = waiting.filter((row) => row.nextAttemptAtMs! <= Date.now())
    const last = due[Math.min(limit, due.length) - 1]?.nextAttemptAtMs ?? -1
    const page = due.filter((row) => row.nextAttemptAtMs! <= last)
    return {
      deliveries: page.map(readBack),
      nextDueAtMs: earliest(waiting.filter((row) => !page.includes(row))),
    }
  }

  #pending(where: (row: Row) => boolean): Row[] {
    return [...this.rows.values()].filter((row) => row.state === 'pending' && where(row))
  }
}

function readBack({ delivery, attempts, replayed, batchId }: Row): Delivery {
  return { ...delivery, tracker: null, stored: true, attempts, replayed, batchId }
}

function earliest(rows: readonly Row[]): number | null {
  const times = rows.map((row) => row.nextAttemptAtMs!)
  return times.length === 0 ? null : Math.min(...times)
}

function cursorOf({ id, message: { transaction, lsn, ordinal, declaredEvent } }: Delivery): Cursor {
  return { commitLsn: String(transaction.commitLsn).padStart(12, '0'), lsn, ordinal, declaredEvent, id }
}

function compare(a: Cursor, b: Cursor): number {
  if (a.commitLsn !== b.commitLsn) return a.commitLsn < b.commitLsn ? -1 : 1
  if (a.ordinal !== b.ordinal) return a.ordinal - b.ordinal
  if (a.declaredEvent !== b.declaredEvent) return a.declaredEvent < b.declaredEvent ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
