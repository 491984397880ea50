import type { Cell, Relation, RowImage } from '../replication/change.ts'
import { Unreadable } from '../replication/change.ts'
import { isEmitted } from './emitted.ts'
import { UnknownValueError } from './event.ts'
import type { RowPair } from './event.ts'
import { JSONB } from './kind.ts'

/**
 * Reads one column of row after row; where it is, is looked up once for each shape of the table.
 *
 * Throws `UnknownValueError` where the value is not known. What an emitted event lacks is NULL.
 */
export class ColumnReader {
  readonly column: string
  /** Type of the column in the row that was read last. */
  typeOid = 0
  #relation: Relation | undefined
  #index: number | undefined

  constructor(column: string) {
    this.column = column
  }

  /** The value after the change; for a delete, the value that was deleted. */
  current(pair: RowPair): string | null {
    if (pair.new !== null) return this.#known(this.#cell(pair.new), UNCHANGED_TOAST)
    if (pair.old !== null) return this.#known(this.#cell(pair.old), NOT_IN_IDENTITY)
    throw new UnknownValueError(this.column, NO_ROW)
  }

  /** The value before an update. */
  old(pair: RowPair): string | null {
    if (pair.old !== null) return this.#known(this.#cell(pair.old), NOT_IN_IDENTITY)
    // No old row is sent for an update that leaves the key as it was.
    if (pair.new !== null && this.#isKey(pair.new.relation)) return this.current(pair)
    throw new UnknownValueError(this.column, NOT_IN_IDENTITY)
  }

  #isKey(relation: Relation): boolean {
    const index = this.#indexIn(relation)
    return index !== undefined && relation.key.includes(index)
  }

  #cell(image: RowImage): Cell {
    const index = this.#indexIn(image.relation)
    if (index !== undefined) return image.cells[index]
    if (isEmitted(image.relation)) return null
    throw new UnknownValueError(this.column, `is not in ${image.relation.name}`)
  }

  #indexIn(relation: Relation): number | undefined {
    if (relation !== this.#relation) {
      this.#relation = relation
      this.#index = relation.index.get(this.column)
      this.typeOid = this.#index === undefined ? JSONB : (relation.columns[this.#index]?.typeOid ?? 0)
    }
    return this.#index
  }

  #known(cell: Cell, otherwise: string): string | null {
    if (typeof cell === 'string' || cell === null) return cell
    throw new UnknownValueError(this.column, cell instanceof Unreadable ? cell.reason : otherwise)
  }
}

const NOT_IN_IDENTITY = 'has an old value that Postgres did not send, because REPLICA IDENTITY is not FULL'
const NO_ROW = 'has no value, because Postgres sent no row'
const UNCHANGED_TOAST = 'has an unchanged large value that Postgres did not send, because REPLICA IDENTITY is not FULL'
