import type { PgType } from '../values/types.ts'

/** What the system catalogs say, read in one snapshot. Tables are keyed by `schema.table`, unquoted. */
export interface Catalog {
  readonly tables: ReadonlyMap<string, CatalogTable>
  readonly types: ReadonlyMap<number, PgType>
}

export interface CatalogTable {
  readonly oid: number
  /** `public.article` */
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly kind: 'table' | 'partitioned' | 'view' | 'materialized view' | 'foreign table'
  readonly persistence: 'permanent' | 'unlogged' | 'temporary'
  /** `pg_class.relreplident`: which part of the old row Postgres writes to the WAL. */
  readonly identity: 'default' | 'full' | 'index' | 'nothing'
  /** Columns of the replica identity index or, under DEFAULT and FULL, of the primary key; empty when there is none. */
  readonly key: readonly string[]
  /** `public.article` for a leaf partition of `public.article`; null for anything else. */
  readonly root: string | null
  readonly columns: readonly CatalogColumn[]
}

export interface CatalogColumn {
  readonly name: string
  readonly typeOid: number
  /** As `format_type` prints it: `character varying(250)`. */
  readonly typeName: string
  readonly notNull: boolean
  readonly generated: boolean
  /** Computed when read (PostgreSQL 18): not even part of the WAL. */
  readonly virtual?: true
}
