import type { Catalog, CatalogTable } from '../postgres/catalog.ts'
import { sqlTableName } from './table-name.ts'

/** What Postgres writes to the WAL about a row that is updated or deleted. */
export interface OldRows {
  /** Null: every column. */
  readonly columns: ReadonlySet<string> | null
  /** Why updates and deletes cannot be decoded at all; null where they can. */
  readonly invisible: string | null
  /** The statement that makes every column known. */
  readonly fix: string
}

/**
 * The old row that a table gives; of a partitioned table, what its weakest partition gives, because the replica identity
 * of the parent is not inherited.
 */
export function oldRowsOf(table: CatalogTable, catalog: Catalog): OldRows {
  const leaves = [...catalog.tables.values()].filter(({ root }) => root === table.name)
  const stores = leaves.length > 0 ? leaves : [table]
  const weak = stores.filter(({ identity }) => identity !== 'full')
  const known = weak.map(({ identity, key }) => new Set(identity === 'nothing' ? [] : key))
  const columns = known.length === 0 ? null : known.reduce((a, b) => a.intersection(b))
  const blind = weak.find(({ identity, key }) => identity === 'nothing' || key.length === 0)
  const fix = weak.map((store) => `ALTER TABLE ${sqlTableName(store)} REPLICA IDENTITY FULL;`).join(' ')
  return { columns, invisible: blind === undefined ? null : blindness(blind), fix }
}

function blindness({ name, identity }: CatalogTable): string {
  if (identity === 'nothing') return `the replica identity of "${name}" is NOTHING`
  return identity === 'index' ? `the replica identity index of "${name}" is gone` : `"${name}" has no primary key`
}
