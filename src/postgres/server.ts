import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { backendPid, cancelBackend, replicationConfig, withClient } from './connect.ts'
import { quoteIdentifier } from './quote.ts'
import { errorCode, SqlState } from './sqlstate.ts'

/** What hookd has to know about the server and about its own role there. */
export interface ServerFacts {
  /** `150018` for 15.18 */
  readonly version: number
  /** `15.18` */
  readonly versionText: string
  readonly walLevel: string
  readonly inRecovery: boolean
  /** Of the database; wal2json sends its bytes as they are. */
  readonly encoding: string
  readonly systemId: string
  /** Null on a standby. */
  readonly timeline: number | null
  readonly slots: { readonly used: number; readonly max: number }
  readonly walSenders: { readonly used: number; readonly max: number }
  /** `max_slot_wal_keep_size` as the server prints it; `-1` is no limit. */
  readonly maxSlotWalKeepSize: string
  readonly role: RoleFacts
}

export interface RoleFacts {
  readonly name: string
  readonly superuser: boolean
  /** May open a replication connection: by the attribute REPLICATION, or as Amazon RDS grants it. */
  readonly replication: boolean
  /** May create schemas and publications in this database. */
  readonly createInDatabase: boolean
}

const FACTS = `
  select current_setting('server_version_num')::int as version,
    current_setting('server_version') as version_text,
    current_setting('wal_level') as wal_level,
    pg_is_in_recovery() as in_recovery,
    current_setting('server_encoding') as encoding,
    (select system_identifier::text from pg_control_system()) as system_id,
    case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end as wal_file,
    (select count(*)::int from pg_replication_slots) as slots_used,
    current_setting('max_replication_slots')::int as slots_max,
    (select count(*)::int from pg_stat_replication) as senders_used,
    current_setting('max_wal_senders')::int as senders_max,
    current_setting('max_slot_wal_keep_size') as max_slot_wal_keep_size,
    r.rolname::text as role,
    r.rolsuper as superuser,
    r.rolsuper or r.rolreplication or exists (
      select from pg_roles g where g.rolname = 'rds_replication' and pg_has_role(r.oid, g.oid, 'member')
    ) as replication,
    has_database_privilege(current_database(), 'create') as create_in_database
  from pg_roles r
  where r.rolname = current_user`

/** Asks the server for its facts; any role may. */
export async function readServerFacts(client: pg.ClientBase | pg.Pool): Promise<ServerFacts> {
  const { rows } = await client.query(FACTS)
  const row = rows[0] as Record<string, unknown>
  const walFile = row['wal_file'] as string | null
  return {
    version: row['version'] as number,
    versionText: (row['version_text'] as string).split(' ')[0] ?? '',
    walLevel: row['wal_level'] as string,
    inRecovery: row['in_recovery'] as boolean,
    encoding: row['encoding'] as string,
    systemId: row['system_id'] as string,
    timeline: walFile === null ? null : parseInt(walFile.slice(0, 8), 16),
    slots: { used: row['slots_used'] as number, max: row['slots_max'] as number },
    walSenders: { used: row['senders_used'] as number, max: row['senders_max'] as number },
    maxSlotWalKeepSize: row['max_slot_wal_keep_size'] as string,
    role: {
      name: row['role'] as string,
      superuser: row['superuser'] as boolean,
      replication: row['replication'] as boolean,
      createInDatabase: row['create_in_database'] as boolean,
    },
  }
}

/** First minor release of each major in which slots neither move backwards nor lose WAL too early. */
const FIRST_SOUND_MINOR: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 }

/** A sentence about a server that should be updated, or null. `160009` -> "PostgreSQL 16.9 has …". */
export function warnOfVersion(version: number): string | null {
  const major = Math.floor(version / 10_000)
  const minor = version % 10_000
  if (major < 14) return `PostgreSQL ${major}.${minor} is older than what hookd is made for. Upgrade to 14 or newer.`
  const sound = FIRST_SOUND_MINOR[major]
  if (sound === undefined || minor >= sound) return null
  return (
    `PostgreSQL ${major}.${minor} has bugs by which a slot can move backwards, lose WAL that is still needed, or wait ` +
    `for ever. Update to ${major}.${sound} or newer.`
  )
}

/** How long the server may take to say that it has no such plugin. */
const PLUGIN_ANSWER_MS = 1000

/**
 * Whether the server can load an output plugin, asked by creating a temporary slot with it. Needs REPLICATION, a free
 * slot and a free WAL sender, and leaves nothing behind. Rejects with 42501 where the server names the plugins that it loads
 * (`output_plugin_libraries`) and this is none of them.
 *
 * Postgres loads the plugin before it waits for open transactions to end, so that no answer in time is a yes.
 */
export async function hasPlugin(databaseUrl: string, plugin: string): Promise<boolean> {
  return withClient(replicationConfig(databaseUrl), async (client) => {
    const pid = await backendPid(client)
    const impatience = new AbortController()
    const waiting = sleep(PLUGIN_ANSWER_MS, 'waiting' as const, { signal: impatience.signal }).catch(() => null)
    const probe = client
      .query(
        `CREATE_REPLICATION_SLOT "hookd_probe_${pid}" TEMPORARY LOGICAL ${quoteIdentifier(plugin)} NOEXPORT_SNAPSHOT`,
      )
      .catch((error: unknown) => {
        if (errorCode(error) === SqlState.undefinedFile) return null
        if (errorCode(error) === SqlState.queryCanceled) return 'canceled'
        throw error
      })
    const answer = await Promise.race([probe, waiting])
    impatience.abort()
    if (answer === 'waiting') {
      await cancelBackend(databaseUrl, pid)
      await probe
    }
    return answer !== null
  })
}
