import { suggest } from '../matching/pattern.ts'
import type { Catalog, CatalogTable } from '../postgres/catalog.ts'
import { formatTableName, parseTableName, sqlTableName } from './table-name.ts'

/** A table that hookd.yaml names: its key in the catalog, and what the catalog says, null without one. */
export interface NamedTable {
  readonly name: string
  readonly catalog: CatalogTable | null
}

/** Finds a table by the name in the file; a string says what is wrong with it. */
export function findTable(text: string, catalog: Catalog | null): NamedTable | string {
  const name = parseTableName(text)
  if (name === null) return `"${text}" is not a table name; write schema.table, and odd names in double quotes`
  if (name.startsWith('hookd.')) return `"${text}" is hookd's own; it never sends its own changes`
  if (catalog === null) return { name, catalog: null }
  const table = catalog.tables.get(name)
  if (table !== undefined) return tableProblem(table) ?? { name, catalog: table }
  const known = [...catalog.tables.values()]
    .filter((other) => other.schema !== 'hookd' && tableProblem(other) === null)
    .map((other) => formatTableName(other.schema, other.table))
  return `unknown table "${text}"; ${suggest(name, known)}`
}

/** Why the changes of a relation never reach a replication slot, with the fix; null for an ordinary table. */
export function tableProblem(table: CatalogTable): string | null {
  const what = `"${table.name}"`
  if (table.kind === 'view' || table.kind === 'materialized view') {
    return `${what} is a ${table.kind}, which has no changes of its own; name the table behind it`
  }
  if (table.kind === 'foreign table')
    return `${what} is a foreign table; its changes happen on another server, run hookd there`
  if (table.persistence === 'temporary') return `${what} is a temporary table; its changes are not in the WAL`
  if (table.persistence === 'unlogged') {
    return `${what} is unlogged, so its changes are not in the WAL; run: ALTER TABLE ${sqlTableName(table)} SET LOGGED;`
  }
  if (table.root !== null)
    return `${what} is a partition; declare the event on "${table.root}", which covers all of them`
  return null
}
