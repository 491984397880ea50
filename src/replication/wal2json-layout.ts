import { unknownCells } from './cells.ts'
import type { Cell, Relation } from './change.ts'
import { type ValueKind, cellOfBare, cellOfQuoted, kindOf } from './wal2json-cell.ts'

/** Which cell a member of `columns` or `identity` fills. */
export interface Slot {
  readonly name: string
  readonly typeOid: number
  /** Index into the cells; -1 for a column that is dropped. */
  readonly index: number
  /** What null stands for. */
  readonly whenNull: Cell
}

/** Which columns the messages of one table and operation hold, in their order. */
export interface LayoutShape {
  readonly relation: Relation
  /** Whether `identity` is the whole row. */
  readonly isOldComplete: boolean
  readonly columns: readonly Slot[] | null
  readonly identity: readonly Slot[] | null
  readonly pk: readonly { readonly name: string; readonly typeOid: number }[] | null
}

export interface RowCells {
  readonly columns: Cell[] | null
  readonly identity: Cell[] | null
}

/** wal2json sends up to 1,600 columns; a regular expression need not. */
const MAX_SLOTS = 400

/**
 * Messages of one table and operation differ in their values alone. A layout is the rest of them, from behind the name
 * of the table, as a regular expression that captures the values: matching it verifies every column name and type OID,
 * at a fraction of what JSON.parse costs.
 */
export class Layout {
  readonly #width: number
  readonly #pattern: RegExp
  readonly shape: LayoutShape
  readonly #columns: readonly CapturedSlot[] | null
  readonly #identity: readonly CapturedSlot[] | null

  constructor(shape: LayoutShape) {
    this.shape = shape
    this.#width = shape.relation.columns.length
    this.#pattern = new RegExp(patternOf(shape), 'y')
    this.#columns = shape.columns && captured(shape.columns)
    this.#identity = shape.identity && captured(shape.identity)
  }

  static isPossible(shape: LayoutShape): boolean {
    return (shape.columns?.length ?? 0) + (shape.identity?.length ?? 0) <= MAX_SLOTS
  }

  /** The cells of the message whose table ends before `at`, or null where the message has another layout. */
  read(message: string, at: number): RowCells | null {
    this.#pattern.lastIndex = at
    const match = this.#pattern.exec(message)
    if (!match) return null
    const hasEscapes = message.includes('\\')
    const width = this.#width
    return {
      columns: this.#columns && cellsOf(this.#columns, match, 1, { width, hasEscapes }),
      identity:
        this.#identity && cellsOf(this.#identity, match, 1 + (this.#columns?.length ?? 0), { width, hasEscapes }),
    }
  }
}

interface CapturedSlot {
  readonly index: number
  readonly kind: ValueKind
  readonly isQuoted: boolean
  readonly whenNull: Cell
}

function captured(slots: readonly Slot[]): CapturedSlot[] {
  return slots
    .filter((slot) => slot.index !== -1)
    .map(({ index, typeOid, whenNull }) => {
      const kind = kindOf(typeOid)
      return { index, kind, isQuoted: isQuotedKind(kind), whenNull }
    })
}

function cellsOf(
  slots: readonly CapturedSlot[],
  match: readonly (string | undefined)[],
  first: number,
  { width, hasEscapes }: { width: number; hasEscapes: boolean },
): Cell[] {
  const cells = unknownCells(width)
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!
    const value = match[first + i]
    if (value === undefined || (value === 'null' && !slot.isQuoted)) cells[slot.index] = slot.whenNull
    else if (slot.isQuoted) cells[slot.index] = cellOfQuoted(slot.kind, value, hasEscapes && value.includes('\\'))
    else cells[slot.index] = cellOfBare(slot.kind, value)
  }
  return cells
}

function isQuotedKind(kind: ValueKind): boolean {
  return kind === 'text' || kind === 'bytea'
}

function patternOf({ columns, identity, pk }: LayoutShape): string {
  let pattern = ''
  if (columns) pattern += `,"columns":\\[${columns.map(slotPattern).join(',')}\\]`
  if (identity) pattern += `,"identity":\\[${identity.map(slotPattern).join(',')}\\]`
  if (pk) pattern += `,"pk":\\[${pk.map((column) => `\\{${headPattern(column)}\\}`).join(',')}\\]`
  return `${pattern}\\}$`
}

function headPattern({ name, typeOid }: { readonly name: string; readonly typeOid: number }): string {
  return escapePattern(`"name":${JSON.stringify(name)},"typeoid":${typeOid | 0}`)
}

/** The inner loop is unrolled, so that no text makes it take more than linear time. */
const STRING = '[^"\\\\]*(?:\\\\.[^"\\\\]*)*'

function slotPattern(slot: Slot): string {
  const isCaptured = slot.index !== -1
  const value = isQuotedKind(kindOf(slot.typeOid))
    ? `(?:"${isCaptured ? `(${STRING})` : STRING}"|null)`
    : `${isCaptured ? '(' : '(?:'}[-+.0-9A-Za-z]+)`
  return `\\{${headPattern(slot)},"value":${value}\\}`
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
