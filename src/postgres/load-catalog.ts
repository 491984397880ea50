import type pg from 'pg'
import type { PgType } from '../values/types.ts'
import type { Catalog, CatalogColumn, CatalogTable } from './catalog.ts'
import { statement } from './statements.ts'

type TableFacts = [
  schema: string,
  table: string,
  kind: string,
  persistence: string,
  identity: string,
  key: string[],
  root: string | null,
  columns: [name: string, typeOid: number, typeName: string, notNull: boolean, generated: boolean, virtual: boolean][],
]

type TypeFacts = [
  name: string,
  kind: PgType['kind'],
  inner: number | null,
  delimiter: string | null,
  fields: [name: string, type: number][] | null,
]

type Row = { oid: string } & ({ entry: 'table'; facts: TableFacts } | { entry: 'type'; facts: TypeFacts })

const KINDS = { r: 'table', p: 'partitioned', v: 'view', m: 'materialized view', f: 'foreign table' } as const
const PERSISTENCE = { p: 'permanent', u: 'unlogged', t: 'temporary' } as const
const IDENTITY = { d: 'default', f: 'full', i: 'index', n: 'nothing' } as const

/**
 * Reads the system catalogs: all tables outside of Postgres's own schemas, those of hookd included, and all types.
 *
 * One statement; the snapshot is that of the transaction the client is in, if any. A type that is not an array for
 * Postgres (int2vector, point) is a scalar.
 */
export async function loadCatalog(client: pg.ClientBase | pg.Pool): Promise<Catalog> {
  const { rows } = await client.query<Row>(statement('load_catalog'))
  const tables = new Map<string, CatalogTable>()
  const types = new Map<number, PgType>()
  for (const row of rows) {
    const oid = Number(row.oid)
    if (row.entry === 'type') {
      types.set(oid, toType(oid, row.facts))
    } else {
      const table = toTable(oid, row.facts)
      tables.set(table.name, table)
    }
  }
  return { tables, types }
}

function toTable(oid: number, facts: TableFacts): CatalogTable {
  const [schema, table, kind, persistence, identity, key, root, columns] = facts
  return {
    oid,
    name: `${schema}.${table}`,
    schema,
    table,
    kind: KINDS[kind as keyof typeof KINDS],
    persistence: PERSISTENCE[persistence as keyof typeof PERSISTENCE],
    identity: IDENTITY[identity as keyof typeof IDENTITY],
    key,
    root,
    columns: columns.map(toColumn),
  }
}

function toColumn(facts: TableFacts[7][number]): CatalogColumn {
  const [name, typeOid, typeName, notNull, generated, virtual] = facts
  const column = { name, typeOid, typeName, notNull, generated }
  return virtual ? { ...column, virtual } : column
}

function toType(oid: number, [name, kind, inner, delimiter, fields]: TypeFacts): PgType {
  switch (kind) {
    case 'array':
      return { kind, oid, name, element: inner ?? 0, delimiter: delimiter ?? ',' }
    case 'domain':
      return { kind, oid, name, base: inner ?? 0 }
    case 'composite':
      return { kind, oid, name, fields: (fields ?? []).map((field) => ({ name: field[0], type: field[1] })) }
    case 'scalar':
    case 'hstore':
      return { kind, oid, name }
  }
}
