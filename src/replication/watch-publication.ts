import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { classifyPostgresError } from '../postgres/classify-error.ts'
import { quoteTable } from '../postgres/quote.ts'
import { formatLsn } from './lsn.ts'
import { readPublication, type Publication } from './publication.ts'
import type { LsnRange } from './start-position.ts'
import type { TableName } from './start-replication.ts'
import { readWalEnd } from './wal-end.ts'

/** What a publication lacks: itself, or some of what it should publish. */
export type PublicationLack =
  | { readonly kind: 'publication' }
  | { readonly kind: 'tables'; readonly tables: readonly TableName[] }
  | { readonly kind: 'operations' }

export interface PublicationWatch {
  readonly name: string
  /** What it should publish, asked at each look. */
  tables(): readonly TableName[]
  /** Milliseconds between two looks. Default 2 s. */
  readonly everyMs?: number
  /**
   * Called when something begins to be missing, or something else is; `window` is the WAL in which it happened, so that
   * changes since its start may be missing. Null: it is whole again.
   */
  readonly onLack: (lack: PublicationLack | null, window: LsnRange) => void
  /** Called when it, or a table of it, was dropped and made anew since the last look, which left no other trace. */
  readonly onRemade: (window: LsnRange) => void
}

/** What a publication and its tables are called inside of the server; made anew they are called differently. */
interface Identity {
  readonly publication: string
  /** By the OID of the table. */
  readonly members: Readonly<Record<string, string>>
}

/** What a publication lacks of what is wanted, or null. */
export function findLack(wanted: readonly TableName[], current: Publication | null): PublicationLack | null {
  if (current === null) return { kind: 'publication' }
  if (!current.isComplete) return { kind: 'operations' }
  if (current.allTables) return null
  const published = new Set(current.tables.filter((table) => table.isWhole).map(quoteTable))
  const tables = wanted.filter((table) => !published.has(quoteTable(table)))
  return tables.length > 0 ? { kind: 'tables', tables } : null
}

/** Describes a lack: `publication "hookd" lacks public.item; changes after 16/B374D848 may be missing`. */
export function describeLack(name: string, lack: PublicationLack, { from }: LsnRange): string {
  const since = from === 0n ? 'changes' : `changes after ${formatLsn(from)}`
  return `publication "${name}" ${whatIsWrong(lack)}; ${since} may be missing`
}

function whatIsWrong(lack: PublicationLack): string {
  switch (lack.kind) {
    case 'publication':
      return 'is gone'
    case 'operations':
      return 'does not publish every operation'
    case 'tables':
      return `lacks ${lack.tables.map(({ schema, table }) => `${schema}.${table}`).join(', ')}`
  }
}

/**
 * Looks at the publication again and again until the signal: from PostgreSQL 18 on pgoutput skips the changes of a
 * publication that vanished without a word. A database that is away is waited for.
 */
export async function watchPublication(pool: pg.Pool, watch: PublicationWatch, signal: AbortSignal): Promise<void> {
  const { name, everyMs = 2000, onLack, onRemade } = watch
  let known: string | null = null
  let identity: Identity | null = null
  let seen = 0n
  while (!signal.aborted) {
    try {
      const now = await readWalEnd(pool)
      const lack = findLack(watch.tables(), await readPublication(pool, name))
      const described = lack && JSON.stringify(lack)
      const before = identity
      identity = await readIdentity(pool, name)
      const window = { from: seen, to: await readWalEnd(pool) }
      if (described !== known) onLack(lack, window)
      else if (isRemade(before, identity)) onRemade(window)
      known = described
      seen = now
    } catch (error) {
      if (classifyPostgresError(error) !== 'transient') throw error
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
}

async function readIdentity(pool: pg.Pool, name: string): Promise<Identity | null> {
  const { rows } = await pool.query<Identity>(
    `select oid::text as publication, coalesce((
       select json_object_agg(prrelid, oid::text) from pg_publication_rel where prpubid = p.oid
     ), '{}') as members
     from pg_publication p where pubname = $1`,
    [name],
  )
  return rows[0] ?? null
}

function isRemade(before: Identity | null, now: Identity | null): boolean {
  if (before === null || now === null) return false
  if (before.publication !== now.publication) return true
  return Object.entries(now.members).some(([table, oid]) => oid !== (before.members[table] ?? oid))
}
