import type { Catalog, CatalogTable } from '../postgres/catalog.ts'

/**
 * A catalog that was read just now, and what the stream may still speak of although it is gone: the stream lies behind
 * the catalog. Types that were dropped, the configured tables and their partitions that were, and the partitions that
 * were detached stay as they were known last.
 */
export function withWhatIsGone(now: Catalog, before: Catalog, configured: ReadonlySet<string>): Catalog {
  const tables = new Map(now.tables)
  for (const former of before.tables.values()) {
    const isOurs = configured.has(former.name) || (former.root !== null && configured.has(former.root))
    if (isOurs) tables.set(former.name, remember(former, now.tables.get(former.name)))
  }
  return { tables, types: new Map([...before.types, ...now.types]) }
}

function remember(former: CatalogTable, now: CatalogTable | undefined): CatalogTable {
  if (now === undefined) return former
  return now.oid === former.oid && now.root === null ? { ...now, root: former.root } : now
}
