import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { replicationConfig, withClient } from '../postgres/connect.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { errorCode, SqlState } from '../postgres/sqlstate.ts'
import { parseLsn } from './lsn.ts'
import { SlotActiveError } from './stream-error.ts'

/** A slot as `pg_replication_slots` shows it. */
export interface SlotState {
  readonly name: string
  /** Null for a physical slot. */
  readonly plugin: string | null
  readonly database: string | null
  /** Process id of the walsender that uses it now. */
  readonly activePid: number | null
  /** Null while the slot is being created. */
  readonly confirmedFlush: bigint | null
  /** Where the WAL that it keeps begins. */
  readonly restart: bigint | null
  readonly walStatus: 'reserved' | 'extended' | 'unreserved' | 'lost' | null
  /** Bytes of WAL until it is in danger; null where no limit is set. */
  readonly safeWalBytes: number | null
  /** Since PostgreSQL 17: why it can never be used again; else null. */
  readonly invalidationReason: string | null
  /** Since PostgreSQL 17: whether standbys keep a copy of it. */
  readonly failover: boolean
}

interface SlotRow {
  readonly slot_name: string
  readonly plugin: string | null
  readonly database: string | null
  readonly active_pid: number | null
  readonly confirmed_flush_lsn: string | null
  readonly restart_lsn: string | null
  readonly wal_status: SlotState['walStatus']
  readonly safe_wal_size: number | null
  readonly invalidation_reason?: string | null
  readonly failover?: boolean
}

/** Reads one slot; null where there is none. Works on a replication connection too. */
export async function readSlot(client: pg.ClientBase | pg.Pool, name: string): Promise<SlotState | null> {
  const { rows } = await client.query<{ slot: SlotRow }>(
    `select to_jsonb(s) as slot from pg_replication_slots s where s.slot_name = ${literal(name)}`,
  )
  const row = rows[0]?.slot
  if (!row) return null
  return {
    name: row.slot_name,
    plugin: row.plugin,
    database: row.database,
    activePid: row.active_pid,
    confirmedFlush: row.confirmed_flush_lsn === null ? null : parseLsn(row.confirmed_flush_lsn),
    restart: row.restart_lsn === null ? null : parseLsn(row.restart_lsn),
    walStatus: row.wal_status,
    safeWalBytes: row.safe_wal_size,
    invalidationReason: row.invalidation_reason ?? null,
    failover: row.failover ?? false,
  }
}

/** The server waits for whoever uses the slot, without an end. */
const SWITCH_MS = 5000

/** Lets standbys keep a copy of a slot, since PostgreSQL 17. Rejects with SlotActiveError while the slot is in use. */
export async function switchFailoverOn(databaseUrl: string, { name, activePid }: SlotState): Promise<void> {
  if (activePid !== null) throw new SlotActiveError(name, activePid)
  const config = { ...replicationConfig(databaseUrl), query_timeout: SWITCH_MS }
  await withClient(config, (client) => client.query(`ALTER_REPLICATION_SLOT ${quoteIdentifier(name)} (FAILOVER true)`))
}

/** A slot that is being dropped may be in use for a moment after its holder was told to go. */
const RELEASE_MS = 5000

/**
 * Drops a slot; false where there is none. Ends the process that uses it, if told to; otherwise a slot in use rejects
 * with SQLSTATE 55006.
 */
export async function dropSlot(
  client: pg.ClientBase | pg.Pool,
  name: string,
  { terminate = false } = {},
): Promise<boolean> {
  const deadline = performance.now() + RELEASE_MS
  for (;;) {
    try {
      await client.query('select pg_drop_replication_slot($1)', [name])
      return true
    } catch (error) {
      if (errorCode(error) === SqlState.undefinedObject) return false
      if (errorCode(error) !== SqlState.objectInUse || !terminate || performance.now() > deadline) throw error
    }
    await client.query(
      'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active',
      [name],
    )
    await sleep(20)
  }
}

/** A replication connection takes no parameters. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
