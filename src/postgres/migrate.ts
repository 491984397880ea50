import pg from 'pg'
import { HookdError } from '../errors.ts'
import { Client } from './client.ts'
import { readMigrations } from './migrations.ts'
import type { Migration } from './migrations.ts'

/** Serialises all migrations of one database, whatever starts them. */
const LOCK = 0x686f_6f6b_64n // 'hookd'

const INSUFFICIENT_PRIVILEGE = '42501'

interface Applied {
  readonly name: string
  readonly checksum: string
  readonly breaking: boolean
}

/**
 * Brings the schema `hookd` up to date and returns the names of the files applied, all in one transaction or none.
 *
 * Safe to call from any number of processes at once: one applies, the others wait and find nothing to do. Writes and
 * locks nothing, and needs no privilege but SELECT on `hookd.migrations`, where the schema is up to date. A client that
 * is handed in must not be in a transaction and stays open.
 *
 * Throws HookdError HOOKD_MIGRATION_UNKNOWN where a newer hookd has made a breaking change, HOOKD_MIGRATION_CHANGED
 * where a file is not what was applied under its name, HOOKD_MIGRATION_PRIVILEGE with the GRANT that is missing.
 */
export async function migrate(
  database: pg.ClientBase | pg.ClientConfig,
  migrations: readonly Migration[] = readMigrations(),
): Promise<{ applied: string[] }> {
  if ('query' in database) return migrateOver(database, migrations)
  const client = new Client(database)
  client.on('error', () => {}) // a connection that breaks also rejects the query in flight
  await client.connect()
  try {
    return await migrateOver(client, migrations)
  } finally {
    await client.end()
  }
}

async function migrateOver(client: pg.ClientBase, migrations: readonly Migration[]): Promise<{ applied: string[] }> {
  try {
    if (pending(migrations, await readApplied(client)).length === 0) return { applied: [] }
    return { applied: await applyPending(client, migrations) }
  } catch (error) {
    throw isDenied(error) ? await denied(client, error) : error
  }
}

async function applyPending(client: pg.ClientBase, migrations: readonly Migration[]): Promise<string[]> {
  await client.query('begin isolation level read committed read write') // whatever the role's defaults say
  try {
    await client.query('set local lock_timeout = 0; set local statement_timeout = 0')
    await client.query('select pg_advisory_xact_lock($1)', [LOCK])
    const due = pending(migrations, await readApplied(client))
    for (const migration of due) await apply(client, migration)
    await client.query('commit')
    return due.map((migration) => migration.name)
  } catch (error) {
    await client.query('rollback').catch(() => {}) // the connection may be gone; the first error counts
    throw error
  }
}

async function apply(client: pg.ClientBase, { name, sql, checksum, breaking }: Migration): Promise<void> {
  await client.query(sql)
  const record = 'insert into hookd.migrations (name, checksum, breaking) values ($1, $2, $3)'
  await client.query(record, [name, checksum, breaking])
}

async function readApplied(client: pg.ClientBase): Promise<Applied[]> {
  const { rows: found } = await client.query<{ exists: boolean }>(
    `select exists (select from pg_tables where schemaname = 'hookd' and tablename = 'migrations')`,
  )
  if (found[0]?.exists !== true) return []
  const { rows } = await client.query<Applied>('select name, checksum, breaking from hookd.migrations order by name')
  return rows
}

/** What is not applied yet. Throws HookdError where what is applied and what is known contradict each other. */
function pending(known: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const byName = new Map(known.map((migration) => [migration.name, migration]))
  for (const { name, checksum, breaking } of applied) {
    const migration = byName.get(name)
    if (!migration && breaking) {
      throw new HookdError(
        'HOOKD_MIGRATION_UNKNOWN',
        `the schema "hookd" went through ${name}, which this version does not know and cannot work with. ` +
          'Run the newer hookd that migrated it.',
      )
    }
    if (migration && migration.checksum !== checksum) {
      throw new HookdError(
        'HOOKD_MIGRATION_CHANGED',
        `${name} is not the file that the schema "hookd" went through under this name. ` +
          'Install an unchanged release of hookd.',
      )
    }
  }
  const done = new Set(applied.map(({ name }) => name))
  return known.filter(({ name }) => !done.has(name))
}

function isDenied(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === INSUFFICIENT_PRIVILEGE
}

/** The statement that an administrator has to run, by what the role lacks. */
async function denied(client: pg.ClientBase, cause: unknown): Promise<HookdError> {
  const { rows } = await client.query<{ role: string; database: string; owner: string | null; installed: boolean }>(
    `select current_user as role, current_database() as database,
       (select nspowner::regrole::text from pg_namespace where nspname = 'hookd') as owner,
       exists (select from pg_tables where schemaname = 'hookd' and tablename = 'migrations') as installed`,
  )
  const facts = rows[0] ?? { role: '?', database: '?', owner: null, installed: false }
  const role = pg.escapeIdentifier(facts.role)
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HookdError('HOOKD_MIGRATION_PRIVILEGE', `role ${role} may not migrate (${reason}). ${remedy()}`, { cause })

  function remedy(): string {
    if (facts.owner === null) {
      return `Run "GRANT CREATE ON DATABASE ${pg.escapeIdentifier(facts.database)} TO ${role};", then "hookd migrate".`
    }
    if (!facts.installed) return `Run "GRANT USAGE, CREATE ON SCHEMA hookd TO ${role};", then "hookd migrate".`
    return (
      `Run "hookd migrate" as ${facts.owner}, who owns the schema; for running hookd afterwards ` +
      `"GRANT USAGE ON SCHEMA hookd TO ${role}; GRANT SELECT ON hookd.migrations TO ${role};", or see sql/roles.sql.`
    )
  }
}
