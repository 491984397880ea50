import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { classifyPostgresError } from '../postgres/classify-error.ts'
import { quoteTable } from '../postgres/quote.ts'
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
  /** Milliseconds between two looks. Default 5 s. */
  readonly everyMs?: number
  /**
   * Called when something begins to be missing, or something else is; `window` is the WAL in which it happened, so that
   * changes since its start may be missing. Null: it is whole again.
   */
  readonly onLack: (lack: PublicationLack | null, window: LsnRange) => void
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

/**
 * Looks at the publication again and again until the signal: from PostgreSQL 18 on pgoutput skips the changes of a
 * publication that vanished without a word. A database that is away is waited for.
 */
export async function watchPublication(pool: pg.Pool, watch: PublicationWatch, signal: AbortSignal): Promise<void> {
  const { name, everyMs = 5000, onLack } = watch
  let known: string | null = null
  let seen = 0n
  while (!signal.aborted) {
    try {
      const now = await readWalEnd(pool)
      const lack = findLack(watch.tables(), await readPublication(pool, name))
      const described = lack && JSON.stringify(lack)
      if (described !== known) onLack(lack, { from: seen, to: await readWalEnd(pool) })
      known = described
      seen = now
    } catch (error) {
      if (classifyPostgresError(error) !== 'transient') throw error
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
}
