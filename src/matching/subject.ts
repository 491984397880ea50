import type { JsonValue } from '../values/json.ts'
import type { Kind } from './kind.ts'
import type { RegexBudget } from './regex.ts'

/** What a test looks at: a column, or a path into one of kind json. */
export interface Subject {
  readonly column: string
  readonly path: readonly string[]
  readonly kind: Kind
}

/** Decides about one cell: the text form of its value, or null for NULL. */
export type Test = (text: string | null) => boolean

/** A test, or why an operator with its operand cannot be used on a subject: `takes a number, not the text "x"`. */
export type Binding = Test | string

/** Makes the test for a subject of any kind. */
export type Bind = (subject: Subject) => Binding

/** Reads an operand once for all subjects; a string says what is wrong with the operand on whatever subject. */
export type Operator = (operand: JsonValue, regexes: RegexBudget) => Bind | string
