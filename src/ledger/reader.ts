import type { Pool } from 'pg'
import type { Delivery } from '../delivery/delivery.ts'
import type { DueDeliveries, FreshDeliveries, FreshQuery, ParkedDeliveries } from '../delivery/ports.ts'
import { statement } from '../postgres/statements.ts'
import { parseLsn } from '../replication/lsn.ts'

const MOST_BYTES = 2 * 1024 * 1024
const MOST_PARKED = 1001
const BEFORE_ALL = { commitLsn: '0/0', lsn: '0/0', ordinal: -1, id: '00000000-0000-0000-0000-000000000000' }

interface DeliveryRow {
  readonly id: string
  readonly commit_lsn: string
  readonly lsn: string
  readonly ordinal: number
  readonly message_id: string
  readonly variant: string
  readonly row_key: string
  readonly old_row_key: string | null
  readonly replayed: number
  readonly attempts?: number
  readonly batch_id?: string | null
  readonly event: string
  readonly content_type: string
  readonly declared_event: string
  readonly headers: readonly string[]
  readonly body: Buffer | null
  readonly table_name: string | null
  readonly message_key: unknown
  readonly op: string | null
  readonly xid: string | null
  readonly committed_at: Date | null
}

interface FreshRow extends DeliveryRow {
  readonly place: string
  readonly found: string
}

/** Reads pending deliveries back. Rejects when Postgres does; the caller decides whether to wait. */
export class LedgerReader {
  readonly #pool: Pool
  readonly #now: () => number

  constructor(pool: Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  async readFresh(query: FreshQuery): Promise<FreshDeliveries> {
    const after = query.after ?? BEFORE_ALL
    const { rows } = await this.#pool.query<FreshRow>({
      name: 'hookd_read_fresh',
      text: statement('read_fresh'),
      values: [
        query.subscriberId,
        after.commitLsn,
        after.lsn,
        after.ordinal,
        after.id,
        query.without,
        query.limit,
        MOST_BYTES,
      ],
    })
    const found = Number(rows[0]?.found ?? 0)
    return {
      deliveries: rows.map((row) => ({
        delivery: this.#delivery(query.subscriberId, row),
        cursor: { commitLsn: row.commit_lsn, lsn: row.lsn, ordinal: row.ordinal, id: row.id },
      })),
      isLast: rows.length === found && found < query.limit,
    }
  }

  async readDue(subscriberId: string, limit: number): Promise<DueDeliveries> {
    const nowMs = Date.now()
    const { rows } = await this.#pool.query<DeliveryRow>(statement('read_due'), [subscriberId, nowMs, limit])
    const next = await this.#pool.query<{ due_ms: number | null }>(
      `select extract(epoch from min(next_attempt_at))::float8 * 1000 as due_ms from hookd.deliveries
       where subscriber_id = $1 and state = 'pending' and attempts > 0
         and (next_attempt_at > to_timestamp($2::float8 / 1000) or $3)`,
      [subscriberId, nowMs, rows.length >= limit],
    )
    return {
      deliveries: rows.map((row) => this.#delivery(subscriberId, row)),
      nextDueAtMs: next.rows[0]?.due_ms ?? null,
    }
  }

  async readParked(subscriberId: string): Promise<ParkedDeliveries> {
    const { rows } = await this.#pool.query<DeliveryRow & { due_ms: number }>(statement('read_parked'), [
      subscriberId,
      MOST_PARKED,
    ])
    return {
      items: rows.map((row) => ({ id: row.id, key: row.row_key, oldKey: row.old_row_key })),
      nextDueAtMs: rows[0]?.due_ms ?? null,
    }
  }

  /** Ids of the subscribers that have anything pending. */
  async pendingSubscribers(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ subscriber_id: string }>(statement('read_pending_subscribers'))
    return rows.map((row) => row.subscriber_id)
  }

  #delivery(subscriberId: string, row: DeliveryRow): Delivery {
    return {
      id: row.id,
      subscriberId,
      message: {
        id: row.message_id,
        event: row.event,
        declaredEvent: row.declared_event,
        table: row.table_name,
        op: row.op ?? '',
        rowKeyJson: row.message_key === null ? null : JSON.stringify(row.message_key),
        transaction: {
          xid: Number(row.xid ?? 0),
          commitLsn: parseLsn(row.commit_lsn),
          committedAt: row.committed_at?.toISOString() ?? '',
        },
        lsn: row.lsn,
        ordinal: row.ordinal,
      },
      variant: row.variant,
      contentType: row.content_type,
      body: row.body ?? Buffer.alloc(0),
      headers: row.headers,
      key: row.row_key,
      oldKey: row.old_row_key,
      receivedAt: this.#now(),
      tracker: null,
      stored: true,
      attempts: row.attempts ?? 0,
      replayed: row.replayed,
      batchId: row.batch_id ?? null,
    }
  }
}
