import type { ClientBase, Pool, QueryResultRow } from 'pg'
import type { CompiledQuery, RawBuilder } from 'kysely'
import { sql, DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'

/** The tables of schema `hookd`, as far as single-table statements need their columns. LSNs are their text form. */
interface Tables {
  'hookd.progress': {
    slot: string
    system_id: string
    timeline: number
    plugin: string
    lsn: string | null
    confirm_limit: string | null
    epoch: string
  }
  'hookd.directory': { slot: string; id: string; row: unknown }
}

/** Builds statements on one table of ours, checked against its columns. Anything with a CTE, a lock or an upsert is SQL. */
export const tables = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/** `= any($1)`: one parameter however many values there are. */
export function anyOf(values: readonly string[]): RawBuilder<string> {
  return sql<string>`any(${values})`
}

/** Runs a statement that `tables` built on a connection of ours, and gives its rows. */
export async function run<Row>(
  client: ClientBase | Pool,
  query: { compile(): CompiledQuery<Row> },
): Promise<readonly Row[]> {
  const { sql: text, parameters } = query.compile()
  const { rows } = await client.query<Row & QueryResultRow>(text, [...parameters])
  return rows
}
