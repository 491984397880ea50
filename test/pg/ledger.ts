import pg from 'pg'
import type { Delivery } from '../../src/delivery/delivery.ts'
import { deliveryId } from '../../src/delivery/identity.ts'
import type { AttemptResult } from '../../src/delivery/ports.ts'
import type { Progress } from '../../src/ledger/progress.ts'
import type { Refusal } from '../../src/ledger/salvage.ts'
import { LedgerReader } from '../../src/ledger/reader.ts'
import type { WriterOptions } from '../../src/ledger/writer.ts'
import { LedgerWriter } from '../../src/ledger/writer.ts'
import { atEnd } from '../support/at-end.ts'
import type { ServerKind } from '../support/binaries.ts'
import { createMigratedDatabase } from '../support/migrated.ts'
import type { Database } from '../support/postgres.ts'

export const SUBSCRIBER = '11111111-1111-1111-1111-111111111111'
export const SLOT = 'hookd'

/** A database with a slot that is taken (epoch 1), a writer and a reader for it. */
export interface Bench {
  readonly db: Database
  readonly pool: pg.Pool
  readonly writer: LedgerWriter
  readonly reader: LedgerReader
  /** LSNs whose records became durable. */
  readonly recorded: bigint[]
  readonly failures: unknown[]
  readonly refusals: Refusal[]
  held: number
  progress: Progress
  /** What the writer said it still held back at the last flush. */
  unstored: string[]
  open(options?: Partial<WriterOptions>): LedgerWriter
  /** Writes everything queued. */
  flush(): Promise<void>
}

export async function aBench(kind: ServerKind, options: Partial<WriterOptions> = {}): Promise<Bench> {
  const db = await createMigratedDatabase(kind)
  await db.query(`insert into hookd.progress (slot, lsn, confirm_limit, epoch) values ($1, '0/1', '0/1', 1)`, [SLOT])
  const pool = new pg.Pool({ connectionString: db.url, max: 4, options: '-c DateStyle=ISO -c TimeZone=UTC' })
  pool.on('error', () => {})
  atEnd(() => pool.end())
  const open = (more: Partial<WriterOptions> = {}): LedgerWriter =>
    new LedgerWriter({
      pool,
      target: { slot: SLOT, epoch: '1' },
      logAll: () => false,
      snapshot: (unstored) => {
        bench.unstored = [...unstored].map(({ id }) => id)
        return { progress: bench.progress, directory: null }
      },
      recorded: (lsn) => bench.recorded.push(lsn),
      held: (bytes) => (bench.held += bytes),
      failed: (error) => bench.failures.push(error),
      refused: (refusal) => bench.refusals.push(refusal),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
      ...options,
      ...more,
    })
  const bench: Bench = {
    db,
    pool,
    writer: open(),
    reader: new LedgerReader(pool, () => performance.now()),
    recorded: [],
    failures: [],
    refusals: [],
    held: 0,
    progress: { lsn: 0x100n, readUpto: null, open: {} },
    unstored: [],
    open,
    flush: () => bench.writer.drain(AbortSignal.timeout(10_000)),
  }
  return bench
}

export interface Shape {
  readonly id?: string
  readonly commitLsn?: bigint
  readonly lsn?: string
  readonly ordinal?: number
  readonly key?: string
  readonly oldKey?: string | null
  readonly body?: Buffer
  readonly headers?: readonly string[]
  readonly event?: string
  readonly declaredEvent?: string
  readonly subscriberId?: string
  readonly tracker?: Delivery['tracker']
}

/** A delivery as the stream gives it, number `n`. */
export function aDelivery(n: number, shape: Shape = {}): Delivery {
  const { commitLsn = BigInt(n) * 0x100n, lsn = `0/${n}`, ordinal = 0, subscriberId = SUBSCRIBER } = shape
  const messageId = `msg_${n}`
  const hashed = `msg_${String(n).padStart(32, '0')}`
  return {
    id: shape.id ?? deliveryId(hashed, subscriberId),
    subscriberId,
    message: {
      id: messageId,
      event: shape.event ?? 'article.changed',
      declaredEvent: shape.declaredEvent ?? 'article.changed',
      table: 'public.article',
      op: 'update',
      rowKeyJson: `{"id":9007199254740993}`,
      transaction: { xid: 700 + n, commitLsn, committedAt: '2026-01-13T23:12:52.205785Z' },
      lsn,
      ordinal,
    },
    variant: 'v',
    contentType: 'application/json',
    body: shape.body ?? Buffer.from(`{"n":${n}}`),
    headers: shape.headers ?? ['X-Event', 'ä'],
    key: shape.key ?? `public.article:${n}`,
    oldKey: shape.oldKey ?? null,
    receivedAt: performance.now(),
    tracker: shape.tracker ?? null,
    stored: false,
    attempts: 0,
    replayed: 0,
    batchId: null,
  }
}

export function failed(status = 500): AttemptResult {
  return {
    atMs: Date.now(),
    url: 'https://example.com/',
    answer: {
      kind: 'response',
      status,
      retryAfter: null,
      location: null,
      body: Buffer.from('no \0'),
      durationMs: 12.5,
    },
    outcome: { kind: 'retry', reason: `answered ${status}`, afterMs: 1000, pauseMs: 0 },
  }
}

export function delivered(): AttemptResult {
  return { ...failed(200), outcome: { kind: 'delivered' } }
}
