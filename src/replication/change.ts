/** What can happen to a row or a table. */
export type Operation = 'insert' | 'update' | 'delete' | 'truncate'

/**
 * The shape of a table at one point of the stream. The same object serves every change until the shape changes, so
 * lookups that depend on it can be cached by identity.
 */
export interface Relation {
  /** Schema and table as the catalog spells them, unquoted, joined by a dot: `public.article`. */
  readonly name: string
  readonly schema: string
  readonly table: string
  /** In the order of the catalog, without dropped and generated columns. */
  readonly columns: readonly RelationColumn[]
  /** Column name -> index into `columns` and into the values of a row image. */
  readonly index: ReadonlyMap<string, number>
  /** Indexes of the columns that identify a row: replica identity, else primary key; empty when there is none. */
  readonly key: readonly number[]
}

export interface RelationColumn {
  readonly name: string
  readonly typeOid: number
}

/**
 * A value as the type's output function prints it (bool `t`/`f`, bytea `\x…`), the same from both plugins.
 *
 * `null` is SQL NULL. `undefined` is unknown: Postgres did not send it (not part of the replica identity, or an
 * unchanged TOASTed value). A `Unreadable` stands for a value that was sent and cannot be represented.
 */
export type Cell = string | null | undefined | Unreadable

/** A value that the plugin could not carry (wal2json prints NaN as null) or that exceeds the size limit. */
export class Unreadable {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** One version of a row: `cells[i]` belongs to `relation.columns[i]`. */
export interface RowImage {
  readonly relation: Relation
  readonly cells: readonly Cell[]
}

/** A committed transaction; all its changes share one object. */
export interface Transaction {
  readonly xid: number
  /** Start of the commit record. */
  readonly commitLsn: bigint
  /** Microsecond ISO 8601 in UTC: `2026-01-13T23:12:52.205785Z`. */
  readonly committedAt: string
}

/**
 * One change, in WAL order within its transaction.
 *
 * `old` is the whole row only under REPLICA IDENTITY FULL; otherwise the key columns, with all else unknown, or null
 * when nothing is known (pgoutput sends no old key when the key did not change: then `new` holds it).
 * Unchanged TOASTed columns of `new` are filled from `old` where that is complete, else they are unknown.
 */
export interface RowChange {
  readonly kind: 'row'
  readonly op: Exclude<Operation, 'truncate'>
  readonly transaction: Transaction
  /** LSN of the change in the form of Postgres, `16/B374D848`. */
  readonly lsn: string
  /** 0-based position among the changes that share `lsn` (COPY writes many rows under one). */
  readonly ordinal: number
  readonly relation: Relation
  readonly old: RowImage | null
  /** Whether `old` is the whole row. */
  readonly oldComplete: boolean
  readonly new: RowImage | null
}

export interface TruncateChange {
  readonly kind: 'truncate'
  readonly op: 'truncate'
  readonly transaction: Transaction
  readonly lsn: string
  readonly ordinal: number
  readonly relation: Relation
}

/** Written by `pg_logical_emit_message(true, 'hookd', …)`. */
export interface EmittedMessage {
  readonly kind: 'emitted'
  readonly transaction: Transaction
  readonly lsn: string
  readonly ordinal: number
  readonly content: string
}

/** A message of the plugin that could not be decoded: recorded, and the stream goes on. */
export interface UndecodableChange {
  readonly kind: 'undecodable'
  readonly transaction: Transaction
  readonly lsn: string
  readonly ordinal: number
  /** As far as it could be read: `public.article`. */
  readonly table: string | null
  readonly op: Operation | null
  readonly reason: string
}

export type Change = RowChange | TruncateChange | EmittedMessage | UndecodableChange

/**
 * What a decoder reports, in stream order. Every call is synchronous: the bytes behind it are reused afterwards.
 *
 * `commit` carries the end LSN: what may be confirmed once everything before it is settled.
 */
export interface StreamSink {
  begin(transaction: Transaction): void
  change(change: Change): void
  commit(transaction: Transaction, endLsn: bigint): void
}

/** Where a message lies in the stream; ordered by commit, then by LSN and ordinal. */
export interface Position {
  readonly commitLsn: bigint
  readonly lsn: bigint
  readonly ordinal: number
}
