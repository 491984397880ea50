import { type CellBudget, readText, unknownCells } from './cells.ts'
import { type Cell, Unreadable } from './change.ts'
import { AMBIGUOUS, cellOfBare, cellOfQuoted, kindOf } from './wal2json-cell.ts'
import type { LayoutShape, RowCells, Slot } from './wal2json-layout.ts'
import type { ScannedColumn, ScannedRow } from './wal2json-scan.ts'

/** A scanned message and what was found out about it. */
export interface ScannedMessage {
  readonly bytes: Buffer
  readonly row: ScannedRow
  readonly shape: LayoutShape
  readonly budget: CellBudget
  /** What nulls stand for that are none; see `specialCells`. */
  readonly specials: ReadonlyMap<ScannedColumn, Cell>
}

/** Reads the cells of a scanned message one by one, so that large ones are never built. */
export function readScanned(message: ScannedMessage): RowCells {
  const { row, shape } = message
  return {
    columns: row.columns && shape.columns && readList(message, row.columns, shape.columns),
    identity: row.identity && shape.identity && readList(message, row.identity, shape.identity),
  }
}

function readList(message: ScannedMessage, columns: readonly ScannedColumn[], slots: readonly Slot[]): Cell[] {
  const cells = unknownCells(message.shape.relation.columns.length)
  message.budget.reset()
  for (const [i, column] of columns.entries()) {
    const slot = slots[i]
    if (!slot || slot.index === -1) continue
    const special = message.specials.get(column)
    cells[slot.index] = special === undefined ? readCell(message, column, slot) : special
  }
  return cells
}

function readCell({ bytes, shape, budget }: ScannedMessage, column: ScannedColumn, slot: Slot): Cell {
  const { start, end } = column
  const kind = kindOf(column.typeOid)
  const isKey = shape.relation.key.includes(slot.index)
  if (!column.isQuoted) {
    const cell = cellOfBare(kind, bytes.toString('latin1', start, end))
    return typeof cell === 'string' ? (budget.refuse(cell.length, isKey) ?? cell) : slot.whenNull
  }
  const escapeBytes = countEscapeBytes(bytes.subarray(start, end))
  const refused = budget.refuse(end - start - escapeBytes + (kind === 'bytea' ? 2 : 0), isKey)
  if (refused) return refused
  const source = readText(bytes, start, end)
  return source instanceof Unreadable ? source : cellOfQuoted(kind, source, escapeBytes > 0)
}

const BACKSLASH = 92
const LOWER_U = 117

/** By how much the escapes of a JSON string are longer than what they stand for; Postgres writes `\n` and `\u001f`. */
export function countEscapeBytes(string: Buffer): number {
  let count = 0
  for (let at = string.indexOf(BACKSLASH); at !== -1; at = string.indexOf(BACKSLASH, at)) {
    const length = string[at + 1] === LOWER_U ? 6 : 2
    count += length - 1
    at += length
  }
  return count
}

/**
 * What the nulls of a message stand for, given the values that the server announced while it printed the message, in
 * its order. Where they are fewer than the nulls, those of NOT NULL columns go first; if that does not settle it, none
 * is known.
 */
export function specialCells(
  message: Buffer,
  row: ScannedRow,
  announced: { readonly values: readonly string[]; readonly isNotNull: (column: string) => boolean },
): Map<ScannedColumn, Cell> {
  const { values, isNotNull } = announced
  if (values.length === 0) return new Map()
  const nulls = [...(row.columns ?? []), ...(row.identity ?? [])].filter(
    (column) => kindOf(column.typeOid) === 'special' && message.toString('latin1', column.start, column.end) === 'null',
  )
  const certain = nulls.length === values.length ? nulls : nulls.filter(({ name }) => isNotNull(name))
  if (certain.length === values.length) return new Map(certain.map((column, i) => [column, values[i]]))
  return new Map(nulls.map((column) => [column, AMBIGUOUS]))
}
