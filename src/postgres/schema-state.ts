import type pg from 'pg'
import { readMigrations } from './migrations.ts'
import { statement } from './statements.ts'

/** The schema `hookd` of a database, as far as the current role can tell. */
export interface SchemaState {
  readonly exists: boolean
  /** Whether the role may change it: it owns it, or owns its owner. */
  readonly owned: boolean
  readonly owner: string | null
  /** Files of `migrations/` that were not applied; null where the role may not look. */
  readonly pending: readonly string[] | null
  /** What the daemon needs and the role lacks; none where the role owns the schema. */
  readonly missing: readonly { readonly privileges: string; readonly object: string }[]
  /** Row level security is on and leaves the role without a single subscriber. */
  readonly blind: boolean
}

interface Row {
  readonly exists: boolean
  readonly owned: boolean
  readonly owner: string | null
  readonly readable: boolean
  readonly installed: boolean
  readonly blind: boolean
}

const STATE = `
  select n.oid is not null as exists,
    coalesce(pg_has_role(n.nspowner, 'usage'), false) as owned,
    n.nspowner::regrole::text as owner,
    m.oid is not null as installed,
    coalesce(has_schema_privilege(n.oid, 'usage') and has_table_privilege(m.oid, 'select'), false) as readable,
    coalesce(row_security_active(s.oid), false) and not exists (
      select from pg_policy p
      where p.polrelid = s.oid and p.polcmd in ('r', '*') and pg_get_expr(p.polqual, p.polrelid) = 'true'
        and exists (select from unnest(p.polroles) as r (role) where role = 0 or pg_has_role(role, 'usage'))
    ) as blind
  from (select 1) as always
  left join pg_namespace n on n.nspname = 'hookd'
  left join pg_class m on m.relnamespace = n.oid and m.relname = 'migrations'
  left join pg_class s on s.relnamespace = n.oid and s.relname = 'subscribers'`

/** Looks at the schema `hookd`; any role may. */
export async function readSchemaState(client: pg.ClientBase | pg.Pool): Promise<SchemaState> {
  const { rows } = await client.query<Row>(STATE)
  const { exists, owned, owner, readable, installed, blind } = rows[0]!
  const { rows: missing } = await client.query<{ privileges: string; object: string }>(statement('read_missing_grants'))
  return { exists, owned, owner, blind, missing, pending: await readPending() }

  async function readPending(): Promise<string[] | null> {
    const known = readMigrations().map(({ name }) => name)
    if (!installed) return known
    if (!readable) return null
    const { rows: applied } = await client.query<{ name: string }>('select name from hookd.migrations')
    const done = new Set(applied.map(({ name }) => name))
    return known.filter((name) => !done.has(name))
  }
}
