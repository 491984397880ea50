import type { Catalog, CatalogColumn, CatalogTable } from '../../../src/postgres/catalog.ts'
import type { PgType } from '../../../src/values/types.ts'

const OIDS: Readonly<Record<string, number>> = {
  integer: 23,
  text: 25,
  boolean: 16,
  numeric: 1700,
  jsonb: 3802,
  uuid: 2950,
  'timestamp with time zone': 1184,
}

/** `aColumn('total numeric')`; a third word `generated` makes it one. */
export function aColumn(declaration: string): CatalogColumn {
  const [name = '', ...words] = declaration.split(' ')
  const generated = words.at(-1) === 'generated'
  const typeName = words.slice(0, generated ? -1 : undefined).join(' ')
  return { name, typeOid: OIDS[typeName] ?? 25, typeName, notNull: false, generated }
}

let nextOid = 16_384

/** An ordinary table with the primary key `id`, `title` and whatever is said otherwise. */
export function aTable(schema: string, table: string, overrides: Partial<CatalogTable> = {}): CatalogTable {
  nextOid += 1
  return {
    oid: nextOid,
    name: `${schema}.${table}`,
    schema,
    table,
    kind: 'table',
    persistence: 'permanent',
    identity: 'default',
    key: ['id'],
    root: null,
    columns: [aColumn('id integer'), aColumn('title text')],
    ...overrides,
  }
}

export function aCatalog(tables: readonly CatalogTable[]): Catalog {
  const types = Object.entries(OIDS).map(([name, oid]): [number, PgType] => [oid, { kind: 'scalar', oid, name }])
  return { tables: new Map(tables.map((table) => [table.name, table])), types: new Map(types) }
}

const ARTICLE = [
  'id integer',
  'uuid uuid',
  'title text',
  'state text',
  'author_id integer',
  'total numeric',
  'meta jsonb',
  'slug text generated',
]

/** What the files under test are checked against: one table of every sort. */
export const CATALOG = aCatalog([
  aTable('public', 'article', { identity: 'full', columns: ARTICLE.map(aColumn) }),
  aTable('public', 'note', { columns: ARTICLE.map(aColumn) }),
  aTable('shop', 'order', {
    columns: ['id integer', 'account_id integer', 'total numeric', 'priority text', 'channel text'].map(aColumn),
  }),
  aTable('public', 'keyless', { key: [] }),
  aTable('public', 'silent', { identity: 'nothing' }),
  aTable('public', 'report', { kind: 'view' }),
  aTable('public', 'summary', { kind: 'materialized view' }),
  aTable('public', 'remote', { kind: 'foreign table' }),
  aTable('public', 'cache', { persistence: 'unlogged' }),
  aTable('pg_temp_3', 'scratch', { persistence: 'temporary' }),
  aTable('public', 'metric', { kind: 'partitioned' }),
  aTable('public', 'metric_2026', { root: 'public.metric', identity: 'full' }),
  aTable('public', 'metric_2027', { root: 'public.metric' }),
  aTable('odd.schema', 'order "items"', { identity: 'full' }),
  aTable('hookd', 'deliveries'),
])
