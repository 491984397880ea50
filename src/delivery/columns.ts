import { Unreadable, type Cell, type Relation, type RowChange, type RowImage } from '../replication/change.ts'
import { UnmappableValue } from '../values/unmappable.ts'
import { type CellConverter, PayloadError } from './facts.ts'

/** A column made ready for printing: `"title":` and the function that prints its cells. */
export interface PrintedColumn {
  readonly name: string
  readonly index: number
  readonly quotedName: string
  readonly first: string
  readonly next: string
  readonly toJson: (text: string) => string
}

/** A table made ready for printing. */
export interface PrintedTable {
  readonly relation: Relation
  /** By index. */
  readonly columns: readonly PrintedColumn[]
  readonly key: readonly PrintedColumn[]
}

export function printedTable(relation: Relation, convert: CellConverter): PrintedTable {
  const columns = relation.columns.map(({ name, typeOid }, index): PrintedColumn => {
    const quotedName = JSON.stringify(name)
    return { name, index, quotedName, first: `${quotedName}:`, next: `,${quotedName}:`, toJson: convert(typeOid) }
  })
  return { relation, columns, key: relation.key.map((index) => columns[index]!) }
}

/**
 * The object of some columns of one row image, `{"id":1,"title":"A"}`.
 *
 * Columns that are unknown are left out and added to `unknown`. Throws `PayloadError` for one that cannot be read.
 */
export function printRow(columns: readonly PrintedColumn[], image: RowImage, unknown: PrintedColumn[] | null): string {
  const { cells } = image
  let members = ''
  for (const column of columns) {
    const cell = cells[column.index]
    if (cell === undefined) unknown?.push(column)
    else members += (members === '' ? column.first : column.next) + printCell(column, cell, image.relation)
  }
  return `{${members}}`
}

/** A known cell as JSON text. */
export function printCell(column: PrintedColumn, cell: Exclude<Cell, undefined>, relation: Relation): string {
  if (cell === null) return 'null'
  if (typeof cell !== 'string') {
    throw new PayloadError('unreadable_value', `column "${column.name}" of ${relation.name} ${cell.reason}`)
  }
  try {
    return column.toJson(cell)
  } catch (error) {
    const reason = error instanceof UnmappableValue ? error.message : 'cannot be turned into JSON'
    throw new PayloadError('unreadable_value', `column "${column.name}" of ${relation.name} ${reason}`)
  }
}

/** The row an event is about: the new one, or the old one of a delete. */
export function rowOf(change: RowChange): RowImage | null {
  return change.new ?? change.old
}

/** JSON text of the key, `{"id":1}`; null where the table has none or it is not wholly known. */
export function printKey(table: PrintedTable, image: RowImage | null): string | null {
  if (image === null || table.key.length === 0) return null
  for (const { index } of table.key) {
    const cell = image.cells[index]
    if (cell === undefined || cell instanceof Unreadable) return null
  }
  return printRow(table.key, image, null)
}

/**
 * The columns that differ between the old row and the new one, or null where that is not known: no complete old row,
 * or a value that cannot be read.
 */
export function changedColumns(columns: readonly PrintedColumn[], change: RowChange): PrintedColumn[] | null {
  const { old, new: row } = change
  if (old === null || row === null || !change.oldComplete) return null
  const changed: PrintedColumn[] = []
  for (const column of columns) {
    const before = old.cells[column.index]
    const after = row.cells[column.index]
    if (before instanceof Unreadable || after instanceof Unreadable || after === undefined) return null
    if (before !== after) changed.push(column)
  }
  return changed
}
