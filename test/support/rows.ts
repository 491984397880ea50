import type { RowPair } from '../../src/matching/event.ts'
import type { ConditionScope } from '../../src/matching/scope.ts'
import type { CatalogTable } from '../../src/postgres/catalog.ts'
import type { Cell, Operation, Relation, RowImage } from '../../src/replication/change.ts'
import type { PgType } from '../../src/values/types.ts'

/** Types by the name that `format_type` gives them; those above 16384 are an extension's or the user's. */
const OIDS = {
  boolean: 16,
  bigint: 20,
  smallint: 21,
  integer: 23,
  text: 25,
  json: 114,
  real: 700,
  'double precision': 701,
  'integer[]': 1007,
  'text[]': 1009,
  'character(10)': 1042,
  'character varying(250)': 1043,
  date: 1082,
  'time without time zone': 1083,
  'timestamp without time zone': 1114,
  'timestamp with time zone': 1184,
  interval: 1186,
  'time with time zone': 1266,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
  mood: 16400,
  hstore: 16401,
  positive: 16402,
  address: 16403,
  'mood[]': 16404,
  tags: 16405,
} as const

export type TypeName = keyof typeof OIDS

const TYPES: ReadonlyMap<number, PgType> = new Map(
  (
    [
      { kind: 'scalar', oid: OIDS.mood, name: 'mood' },
      { kind: 'hstore', oid: OIDS.hstore, name: 'hstore' },
      { kind: 'domain', oid: OIDS.positive, name: 'positive', base: OIDS.integer },
      { kind: 'domain', oid: OIDS.tags, name: 'tags', base: OIDS['text[]'] },
      { kind: 'array', oid: OIDS['integer[]'], name: '_int4', element: OIDS.integer, delimiter: ',' },
      { kind: 'array', oid: OIDS['text[]'], name: '_text', element: OIDS.text, delimiter: ',' },
      { kind: 'array', oid: OIDS['mood[]'], name: '_mood', element: OIDS.mood, delimiter: ',' },
      {
        kind: 'composite',
        oid: OIDS.address,
        name: 'address',
        fields: [
          { name: 'street', type: OIDS.text },
          { name: 'number', type: OIDS.integer },
        ],
      },
    ] satisfies PgType[]
  ).map((type) => [type.oid, type]),
)

/** Cells by column; a column that is left out is NULL, and `undefined` is unknown. */
export type Row = Readonly<Record<string, Cell>>

export interface TableOptions {
  /** Default: full. */
  readonly identity?: CatalogTable['identity']
  /** Default: the first column. */
  readonly key?: readonly string[]
  readonly generated?: readonly string[]
}

/** A table of the catalog, and its rows as the stream brings them: `aTable({ id: 'integer', state: 'text' })`. */
export function aTable(columns: Readonly<Record<string, TypeName>>, options: TableOptions = {}) {
  const names = Object.keys(columns)
  const { identity = 'full', key = names.slice(0, 1), generated = [] } = options
  const catalog: CatalogTable = {
    oid: 16_384,
    name: 'public.article',
    schema: 'public',
    table: 'article',
    kind: 'table',
    persistence: 'permanent',
    identity,
    key,
    root: null,
    columns: Object.entries(columns).map(([name, typeName]) => ({
      name,
      typeOid: OIDS[typeName],
      typeName,
      notNull: false,
      generated: generated.includes(name),
    })),
  }
  const relation: Relation = {
    name: catalog.name,
    schema: catalog.schema,
    table: catalog.table,
    columns: catalog.columns,
    index: new Map(names.map((name, index) => [name, index])),
    key: key.map((name) => names.indexOf(name)),
  }
  const image = (row: Row): RowImage => ({ relation, cells: names.map((name) => (name in row ? row[name] : null)) })
  const oldComplete = identity === 'full'
  return {
    catalog,
    relation,
    image,
    insert: (row: Row): RowPair => ({ op: 'insert', old: null, oldComplete: false, new: image(row) }),
    /** A null for the old row stands for one that was not sent. */
    update: (old: Row | null, row: Row): RowPair => ({
      op: 'update',
      old: old && image(old),
      oldComplete: old !== null && oldComplete,
      new: image(row),
    }),
    delete: (row: Row): RowPair => ({ op: 'delete', old: image(row), oldComplete, new: null }),
    scope: (...operations: Operation[]): ConditionScope => ({
      table: catalog,
      types: (oid) => TYPES.get(oid),
      operations: new Set(operations.length > 0 ? operations : (['insert', 'update', 'delete'] as const)),
      allowOld: true,
    }),
  }
}
