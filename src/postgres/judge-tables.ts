import type { Catalog, CatalogTable } from './catalog.ts'
import { failing, type Finding, warning } from './finding.ts'
import { quoteTable } from './quote.ts'

/**
 * What is wrong with the tables of the events, as `schema.table`, before hookd reads them: a table without a replica
 * identity. Its updates and deletes are invisible to wal2json; under pgoutput Postgres refuses them to the application
 * as soon as the table is published. https://www.postgresql.org/docs/current/logical-replication-publication.html
 */
export function judgeTables(names: Iterable<string>, catalog: Catalog, plugin: 'wal2json' | 'pgoutput'): Finding[] {
  return [...names].flatMap((name) => stores(name, catalog)).flatMap((table) => judgeTable(table, plugin))
}

/** The tables that hold the rows: the leaves of a partitioned table, else the table itself. */
function stores(name: string, { tables }: Catalog): CatalogTable[] {
  const table = tables.get(name)
  const leaves = [...tables.values()].filter(({ root }) => root === name)
  return leaves.length > 0 ? leaves : table ? [table] : []
}

function judgeTable(table: CatalogTable, plugin: 'wal2json' | 'pgoutput'): Finding[] {
  if (table.kind === 'partitioned') return []
  if (table.identity === 'full') return plugin === 'pgoutput' ? judgeVirtual(table) : []
  if (table.identity !== 'nothing' && table.key.length > 0) return []
  const why =
    table.identity === 'nothing' ? 'has REPLICA IDENTITY NOTHING' : 'has neither a primary key nor a replica identity'
  const fix = `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY FULL;`
  if (plugin === 'wal2json') {
    return [warning('HOOKD_NO_IDENTITY', `${table.name} ${why}: its updates and deletes are invisible`, fix)]
  }
  const harm = 'once it is published, PostgreSQL refuses every UPDATE and DELETE on it'
  return [failing('HOOKD_NO_IDENTITY', `${table.name} ${why}: ${harm}`, fix)]
}

function judgeVirtual(table: CatalogTable): Finding[] {
  const virtual = table.columns.find((column) => column.virtual)
  if (virtual === undefined) return []
  const why = `has the virtual generated column "${virtual.name}" and REPLICA IDENTITY FULL`
  const harm = 'once it is published, PostgreSQL refuses every UPDATE and DELETE on it'
  const fix = `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY DEFAULT;  -- or run with --plugin wal2json`
  return [failing('HOOKD_VIRTUAL_COLUMN', `${table.name} ${why}: ${harm}`, fix)]
}
