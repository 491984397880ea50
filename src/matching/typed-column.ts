import type { TypeLookup } from '../values/types.ts'
import { ColumnReader } from './column-reader.ts'
import type { RowPair } from './event.ts'
import type { Field } from './field.ts'
import { kindOf } from './kind.ts'
import type { Subject } from './subject.ts'

/** A field of row after row with something made for its type, `T`, which is made anew when the type changes. */
export class TypedColumn<T> {
  readonly #reader: ColumnReader
  readonly #field: Field
  readonly #types: TypeLookup
  readonly #make: (subject: Subject) => T
  #typeOid: number | undefined
  #made: T | undefined

  constructor(field: Field, types: TypeLookup, make: (subject: Subject) => T) {
    this.#reader = new ColumnReader(field.column)
    this.#field = field
    this.#types = types
    this.#make = make
  }

  /** The value after the change; for a delete, the value that was deleted. Throws `UnknownValueError`. */
  current(pair: RowPair): string | null {
    return this.#reader.current(pair)
  }

  /** The value before an update. Throws `UnknownValueError`. */
  old(pair: RowPair): string | null {
    return this.#reader.old(pair)
  }

  /** What was made for the type of the value that was read last. */
  get made(): T {
    if (this.#made === undefined || this.#typeOid !== this.#reader.typeOid) {
      this.#typeOid = this.#reader.typeOid
      this.#made = this.#make({ ...this.#field, kind: kindOf(this.#typeOid, this.#types) })
    }
    return this.#made
  }
}
