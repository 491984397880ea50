import type { Pool } from 'pg'
import type { Delivery } from '../delivery/delivery.ts'
import type { Cursor, DueDeliveries, FreshDeliveries, FreshQuery, ParkedDeliveries } from '../delivery/ports.ts'
import { statement } from '../postgres/statements.ts'
import { parseLsn } from '../replication/lsn.ts'

const MOST_BYTES = 2 * 1024 * 1024
const MOST_PARKED = 1001
const BEFORE_ALL: Cursor = {
  commitLsn: '0/0',
  lsn: '0/0',
  ordinal: -1,
  declaredEvent: '',
  id: '00000000-0000-0000-0000-000000000000',
}

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
  /** What comes from hookd.messages is null where the message is gone. */
  readonly event: string | null
  readonly content_type: string | null
  readonly declared_event: string | null
  readonly headers: readonly string[] | null
  readonly body: Buffer | null
  readonly table_name: string | null
  readonly message_key: string | null
  readonly op: string | null
  readonly xid: string | null
  readonly committed_at: string | null
  readonly age_ms: number
  /** Rows that there were before the limit of bytes. */
  readonly found: string
}

interface FreshRow extends DeliveryRow {
  /** `declared_event` as hookd.deliveries has it: empty where a hookd stored the row that did not write it yet. */
  readonly event_order: string
}

/** Deliveries that can never be sent, because their bodies are gone. */
export interface Bodiless {
  readonly bodiless: readonly Delivery[]
}

/** Reads pending deliveries back. Rejects when Postgres does; the caller decides whether to wait. */
export class LedgerReader {
  readonly #pool: Pool
  readonly #now: () => number

  constructor(pool: Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  async readFresh(query: FreshQuery): Promise<FreshDeliveries & Bodiless> {
    const after = query.after ?? BEFORE_ALL
    const { subscriberId, without, limit } = query
    const place = [after.commitLsn, after.lsn, after.ordinal, after.declaredEvent, after.id]
    const { rows } = await this.#pool.query<FreshRow>({
      name: 'hookd_read_fresh',
      text: statement('read_fresh'),
      values: [subscriberId, ...place, without, limit, MOST_BYTES],
    })
    const found = Number(rows[0]?.found ?? 0)
    return {
      deliveries: rows.filter(hasBody).map((row) => ({
        delivery: this.#delivery(subscriberId, row),
        cursor: cursorOf(row),
      })),
      isLast: rows.length === found && found < limit,
      bodiless: this.#bodiless(subscriberId, rows),
    }
  }

  async readDue(subscriberId: string, limit: number): Promise<DueDeliveries & Bodiless> {
    const nowMs = Date.now()
    const due = [subscriberId, nowMs, limit, MOST_BYTES]
    const { rows } = await this.#pool.query<DeliveryRow>(statement('read_due'), due)
    const leftSome = rows.length >= limit || rows.length < Number(rows[0]?.found ?? 0)
    const next = await this.#pool.query<{ due_ms: number | null }>(statement('next_due'), [
      subscriberId,
      nowMs,
      leftSome,
    ])
    return {
      deliveries: rows.filter(hasBody).map((row) => this.#delivery(subscriberId, row)),
      nextDueAtMs: next.rows[0]?.due_ms ?? null,
      bodiless: this.#bodiless(subscriberId, rows),
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
      isComplete: rows.length < MOST_PARKED,
    }
  }

  /** Ids of the subscribers that have anything pending. */
  async pendingSubscribers(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ subscriber_id: string }>(statement('read_pending_subscribers'))
    return rows.map((row) => row.subscriber_id)
  }

  #bodiless(subscriberId: string, rows: readonly DeliveryRow[]): Delivery[] {
    return rows.filter((row) => !hasBody(row)).map((row) => this.#delivery(subscriberId, row))
  }

  #delivery(subscriberId: string, row: DeliveryRow): Delivery {
    return {
      id: row.id,
      subscriberId,
      message: {
        id: row.message_id,
        event: row.event ?? '',
        declaredEvent: row.declared_event ?? '',
        table: row.table_name,
        op: row.op ?? '',
        rowKeyJson: row.message_key,
        transaction: {
          xid: Number(row.xid ?? 0),
          commitLsn: parseLsn(row.commit_lsn),
          committedAt: row.committed_at ?? '',
        },
        lsn: row.lsn,
        ordinal: row.ordinal,
      },
      variant: row.variant,
      contentType: row.content_type ?? '',
      body: row.body ?? Buffer.alloc(0),
      headers: row.headers ?? [],
      key: row.row_key,
      oldKey: row.old_row_key,
      receivedAt: this.#now() - row.age_ms,
      tracker: null,
      stored: true,
      attempts: row.attempts ?? 0,
      replayed: row.replayed,
      batchId: row.batch_id ?? null,
    }
  }
}

function cursorOf({ commit_lsn: commitLsn, lsn, ordinal, event_order: declaredEvent, id }: FreshRow): Cursor {
  return { commitLsn, lsn, ordinal, declaredEvent, id }
}

function hasBody(row: DeliveryRow): boolean {
  return row.body !== null
}
