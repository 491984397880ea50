import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { HookdError } from '../errors.ts'
import { backendPid, cancelBackend, clientConfig, replicationConfig, withClient } from '../postgres/connect.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { errorCode, SqlState } from '../postgres/sqlstate.ts'
import { parseLsn } from './lsn.ts'
import { dropSlot } from './slot.ts'
import type { OutputPlugin } from './start-replication.ts'
import { SlotActiveError } from './stream-error.ts'

export interface NewSlot {
  readonly databaseUrl: string
  readonly slot: string
  readonly plugin: OutputPlugin
  /** Lets standbys keep a copy of it, since PostgreSQL 17. Default false. */
  readonly failover?: boolean
  /** How long to wait for transactions that are open, milliseconds. Default 30 s. */
  readonly timeoutMs?: number
}

/**
 * Creates a slot, and calls `inSnapshot` with a connection that sees the database exactly as of the slot's start: every
 * transaction it sees will not be in the stream, every other one will. `consistentPoint` is where the stream begins.
 *
 * The slot is dropped again if `inSnapshot` rejects.
 *
 * Rejects with HookdError HOOKD_SLOT_BLOCKED where older transactions stay open for longer than `timeoutMs`,
 * HOOKD_SLOT_LIMIT where max_replication_slots is reached, HOOKD_PLUGIN_MISSING where the server cannot load the plugin,
 * and with SlotActiveError where the slot exists: another process creates it at this moment.
 */
export async function createSlot<T>(
  wanted: NewSlot,
  inSnapshot: (client: pg.Client, consistentPoint: bigint) => Promise<T>,
): Promise<T> {
  return withClient(replicationConfig(wanted.databaseUrl), async (creator) => {
    const { consistentPoint, snapshot } = await create(creator, wanted)
    try {
      return await withClient(clientConfig(wanted.databaseUrl), async (reader) => {
        await reader.query('begin isolation level repeatable read read only')
        await reader.query(`set transaction snapshot '${snapshot}'`)
        const result = await inSnapshot(reader, consistentPoint)
        await reader.query('commit')
        return result
      })
    } catch (error) {
      await withClient(clientConfig(wanted.databaseUrl), (client) => dropSlot(client, wanted.slot)).catch(() => {})
      throw error
    }
  })
}

async function create(creator: pg.Client, wanted: NewSlot): Promise<{ consistentPoint: bigint; snapshot: string }> {
  const pid = await backendPid(creator)
  const options = wanted.failover === true ? `(SNAPSHOT 'export', FAILOVER true)` : 'EXPORT_SNAPSHOT'
  const command = `CREATE_REPLICATION_SLOT ${quoteIdentifier(wanted.slot)} LOGICAL ${quoteIdentifier(wanted.plugin)} ${options}`
  const impatience = new AbortController()
  const blocked = cancelWhenLate(wanted, pid, impatience.signal)
  try {
    const { rows } = await creator.query<{ consistent_point: string; snapshot_name: string }>(command)
    return { consistentPoint: parseLsn(rows[0]!.consistent_point), snapshot: rows[0]!.snapshot_name }
  } catch (error) {
    if (errorCode(error) === SqlState.queryCanceled) throw (await blocked) ?? error
    throw explain(error, wanted)
  } finally {
    impatience.abort()
  }
}

/** Postgres drops the unfinished slot when it is told to stop waiting, not when the connection breaks. */
async function cancelWhenLate(wanted: NewSlot, pid: number, signal: AbortSignal): Promise<HookdError | null> {
  const { timeoutMs = 30_000 } = wanted
  try {
    await sleep(timeoutMs, undefined, { signal })
    const blockers = await withClient(clientConfig(wanted.databaseUrl), (client) =>
      readBlockers(client, pid, timeoutMs),
    )
    await cancelBackend(wanted.databaseUrl, pid)
    return new HookdError(
      'HOOKD_SLOT_BLOCKED',
      `slot "${wanted.slot}" cannot be created while transactions are open that began before it; after ` +
        `${timeoutMs / 1000} s these still are: ${blockers.join('; ')}. End them, or wait, and start hookd again.`,
    )
  } catch {
    return null
  }
}

/** The one that Postgres waits for now, and those it will wait for next, as far as the role may see them. */
async function readBlockers(client: pg.Client, pid: number, timeoutMs: number): Promise<string[]> {
  const { rows } = await client.query<{ blocker: string }>(
    `select format('pid %s (%s)', pid, concat_ws(', ', usename, nullif(application_name, ''), state)) as blocker
       from pg_stat_activity
       where pid = any (pg_blocking_pids($1))
         or (backend_xid is not null and pid <> $1 and xact_start < now() - $2 * interval '1 ms')
     union all
     select format('prepared transaction %L', gid) from pg_prepared_xacts`,
    [pid, timeoutMs],
  )
  return rows.map((row) => row.blocker)
}

function explain(error: unknown, { slot, plugin }: NewSlot): unknown {
  const cause = { cause: error }
  switch (errorCode(error)) {
    case SqlState.duplicateObject:
      return new SlotActiveError(slot, null, cause)
    case SqlState.undefinedFile:
      return new HookdError(
        'HOOKD_PLUGIN_MISSING',
        `the server has no output plugin "${plugin}". ` +
          (plugin === 'wal2json' ? 'Install wal2json there, or run with --plugin pgoutput.' : 'Is it PostgreSQL?'),
        cause,
      )
    case SqlState.configurationLimitExceeded:
      return new HookdError(
        'HOOKD_SLOT_LIMIT',
        `no replication slot is free for "${slot}". Drop an unused one (select slot_name, active from ` +
          'pg_replication_slots), or raise max_replication_slots and restart Postgres.',
        cause,
      )
    case SqlState.objectNotInPrerequisiteState:
      return new HookdError(
        'HOOKD_WAL_LEVEL',
        'the server does not write the WAL that hookd reads. Run "ALTER SYSTEM SET wal_level = logical;" as a ' +
          'superuser and restart Postgres.',
        cause,
      )
    default:
      return error
  }
}
