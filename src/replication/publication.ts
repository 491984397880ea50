import type pg from 'pg'
import { HookdError } from '../errors.ts'
import { quoteIdentifier, quoteTable } from '../postgres/quote.ts'
import { errorCode, SqlState } from '../postgres/sqlstate.ts'
import type { TableName } from './start-replication.ts'

/** A publication as the catalog shows it. */
export interface Publication {
  readonly allTables: boolean
  /** Publishes every operation, and partitions under their own names. */
  readonly isComplete: boolean
  /** `isWhole`: without a row filter or a column list. */
  readonly tables: readonly (TableName & { readonly isWhole: boolean })[]
}

/** One statement that brings the publication nearer to what is wanted; it concerns `table`, or the publication alone. */
export interface PublicationStep {
  readonly sql: string
  readonly adds: TableName | null
}

/** What `ensurePublication` did. */
export interface PublicationChange {
  readonly steps: readonly PublicationStep[]
  /** Added without a lock: changes of transactions that were open then may be missing. */
  readonly unlocked: readonly TableName[]
}

const COMPLETE = `publish = 'insert, update, delete, truncate', publish_via_partition_root = false`

/**
 * Without it Postgres refuses the application's own updates of a table under REPLICA IDENTITY FULL that has a stored
 * generated column; hookd leaves such columns out of what it sends.
 */
const COMPLETE_WITH_GENERATED = `${COMPLETE}, publish_generated_columns = stored`
const GENERATED_SINCE = 180_000

/** Two sessions that change a publication at the same time make Postgres fail with internal errors. */
const LOCK = `select pg_advisory_lock(hashtext('hookd publication'), hashtext($1))`
const UNLOCK = `select pg_advisory_unlock(hashtext('hookd publication'), hashtext($1))`

/** How long writers may be kept waiting while a table is added, and how often that is tried. */
const LOCK_TIMEOUT_MS = 1000
const LOCK_ATTEMPTS = 3

/** Reads a publication; null where there is none. */
export async function readPublication(client: pg.ClientBase | pg.Pool, name: string): Promise<Publication | null> {
  const { rows } = await client.query<{ all_tables: boolean; complete: boolean; tables: Publication['tables'] }>(
    `select puballtables as all_tables,
       pubinsert and pubupdate and pubdelete and pubtruncate and not pubviaroot
         and coalesce(to_jsonb(p) ->> 'pubgencols', 's') = 's' as complete,
       coalesce((
         select json_agg(json_build_object('schema', n.nspname, 'table', c.relname,
           'isWhole', to_jsonb(r) ->> 'prqual' is null and to_jsonb(r) ->> 'prattrs' is null))
         from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
         where r.prpubid = p.oid
       ), '[]') as tables
     from pg_publication p where pubname = $1`,
    [name],
  )
  const row = rows[0]
  return row ? { allTables: row.all_tables, isComplete: row.complete, tables: row.tables } : null
}

/** The statements that make a publication equal to `wanted`; none where it is. */
export function planPublication(
  name: string,
  wanted: readonly TableName[],
  { current, serverVersion }: { readonly current: Publication | null; readonly serverVersion: number },
): PublicationStep[] {
  const publication = quoteIdentifier(name)
  const options = serverVersion >= GENERATED_SINCE ? COMPLETE_WITH_GENERATED : COMPLETE
  const steps: PublicationStep[] = []
  if (current === null) steps.push({ sql: `CREATE PUBLICATION ${publication} WITH (${options})`, adds: null })
  else if (!current.isComplete) steps.push({ sql: `ALTER PUBLICATION ${publication} SET (${options})`, adds: null })
  if (current?.allTables === true) return steps
  const kept = new Set(current?.tables.filter((table) => table.isWhole && has(wanted, table)).map(quoteTable))
  for (const table of current?.tables ?? []) {
    if (kept.has(quoteTable(table))) continue
    steps.push({ sql: `ALTER PUBLICATION ${publication} DROP TABLE ONLY ${quoteTable(table)}`, adds: null })
  }
  for (const table of wanted) {
    if (kept.has(quoteTable(table))) continue
    steps.push({ sql: `ALTER PUBLICATION ${publication} ADD TABLE ONLY ${quoteTable(table)}`, adds: table })
  }
  return steps
}

/**
 * Makes the publication equal to `wanted`, touching only what differs. Call it before the slot is created: pgoutput looks
 * for the publication at each position of the WAL it decodes.
 *
 * A table is added under a lock that waits for its writers, because changes of transactions that are open meanwhile may
 * be missing otherwise; where that cannot be had soon, it is added without. One that does not exist is left out.
 *
 * Throws HookdError HOOKD_PUBLICATION_PRIVILEGE with the statements that are left to run, where the role may not.
 */
export async function ensurePublication(
  client: pg.ClientBase,
  name: string,
  wanted: readonly TableName[],
): Promise<PublicationChange> {
  await client.query(LOCK, [name])
  try {
    return await bringAbout(client, name, wanted)
  } finally {
    await client.query(UNLOCK, [name])
  }
}

async function bringAbout(
  client: pg.ClientBase,
  name: string,
  wanted: readonly TableName[],
): Promise<PublicationChange> {
  const current = await readPublication(client, name)
  const steps = planPublication(name, wanted, { current, serverVersion: await readVersion(client) })
  const unlocked: TableName[] = []
  for (const [index, step] of steps.entries()) {
    try {
      if (step.adds === null) await client.query(step.sql)
      else if (!(await addTable(client, step.sql, step.adds))) unlocked.push(step.adds)
    } catch (error) {
      if (step.adds !== null && isGone(error)) continue
      throw errorCode(error) === SqlState.insufficientPrivilege ? denied(name, steps.slice(index), error) : error
    }
  }
  return { steps, unlocked }
}

async function readVersion(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  return rows[0]!.version
}

/** Drops the publication; false where there is none. */
export async function dropPublication(client: pg.ClientBase | pg.Pool, name: string): Promise<boolean> {
  if ((await readPublication(client, name)) === null) return false
  await client.query(`DROP PUBLICATION IF EXISTS ${quoteIdentifier(name)}`)
  return true
}

/** Whether the table's writers could be locked out. */
async function addTable(client: pg.ClientBase, sql: string, table: TableName): Promise<boolean> {
  for (let attempt = 1; attempt <= LOCK_ATTEMPTS; attempt++) {
    await client.query('begin')
    try {
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
      await client.query(`lock table only ${quoteTable(table)} in share row exclusive mode`)
      await client.query(sql)
      await client.query('commit')
      return true
    } catch (error) {
      await client.query('rollback')
      const code = errorCode(error)
      if (code === SqlState.insufficientPrivilege) break // to lock; whether to add, the next statement tells
      if (code !== SqlState.lockNotAvailable && code !== SqlState.deadlockDetected) throw error
    }
  }
  await client.query(sql)
  return false
}

function isGone(error: unknown): boolean {
  const code = errorCode(error)
  return code === SqlState.undefinedTable || code === SqlState.undefinedSchema
}

function denied(name: string, steps: readonly PublicationStep[], cause: unknown): HookdError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HookdError(
    'HOOKD_PUBLICATION_PRIVILEGE',
    `the role may not change the publication "${name}" (${reason}). As an owner of it and of the tables run: ` +
      steps.map(({ sql }) => `${sql};`).join(' '),
    { cause },
  )
}

function has(tables: readonly TableName[], { schema, table }: TableName): boolean {
  return tables.some((other) => other.schema === schema && other.table === table)
}
