import { hash } from 'node:crypto'
import type { Relation, RowChange, RowImage, TruncateChange } from '../replication/change.ts'

/** The keys by which deliveries of one row keep their order, and the key as JSON for people. */
export interface RowKeys {
  readonly key: string
  /** Set where the change moved the row to another key. */
  readonly oldKey: string | null
  /** `{"id":1}`; null where the table has no key or it is not known. */
  readonly json: string | null
}

/** JSON text of a cell by its type. */
export type CellToJson = (typeOid: number) => (text: string) => string

/**
 * Identifies the row of a change: `public.article:1`. A table without a key has one order for all its rows, and a
 * truncate belongs to that order too.
 */
export function rowKeys(change: RowChange | TruncateChange, toJson: CellToJson): RowKeys {
  const { relation } = change
  if (change.kind === 'truncate' || relation.key.length === 0) return { key: relation.name, oldKey: null, json: null }
  const now = change.new === null ? null : keyText(relation, change.new)
  const before = change.old === null ? null : keyText(relation, change.old)
  const key = now ?? before ?? relation.name
  const oldKey = now !== null && before !== null && now !== before ? before : null
  return { key, oldKey, json: keyJson(relation, now === null ? change.old : change.new, toJson) }
}

/** Longer ones stand for themselves by their hash: the ledger's index has room for 2700 bytes. */
const MOST_TEXT = 400

function keyText(relation: Relation, image: RowImage): string | null {
  const only = relation.key.length === 1 ? image.cells[relation.key[0]!] : undefined
  if (typeof only === 'string') return `${relation.name}:${shorten(only)}`
  const cells = relation.key.map((at) => image.cells[at])
  if (!cells.every((cell) => typeof cell === 'string' || cell === null)) return null
  return `${relation.name}:${shorten(JSON.stringify(cells))}`
}

function shorten(text: string): string {
  return text.length <= MOST_TEXT ? text : `sha256 ${hash('sha256', text, 'hex')}`
}

function keyJson(relation: Relation, image: RowImage | null, toJson: CellToJson): string | null {
  if (image === null) return null
  let json = ''
  for (const at of relation.key) {
    const column = relation.columns[at]!
    const cell = image.cells[at]
    if (typeof cell !== 'string') return null
    json += `${json === '' ? '{' : ','}${JSON.stringify(column.name)}:${toJson(column.typeOid)(cell)}`
  }
  return `${json}}`
}
