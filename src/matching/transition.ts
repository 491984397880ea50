import type { TypeLookup } from '../values/types.ts'
import { isNull } from './equality.ts'
import type { Predicate } from './event.ts'
import type { Field } from './field.ts'
import type { Tense } from './operators.ts'
import type { Bind, Subject, Test } from './subject.ts'
import { TypedColumn } from './typed-column.ts'

/**
 * Says for each row pair whether an operator is true of a field.
 *
 * Every value that the tense is about is read, even where one of them decides: an update always reads both rows for
 * `entered` and `left`, so that an unknown old value is an error and never an answer.
 */
export function fieldPredicate(field: Field, tense: Tense, bind: Bind, types: TypeLookup): Predicate {
  const cell = new TypedColumn(field, types, (subject) => testsOf(subject, bind))
  switch (tense) {
    case 'holds':
      return (pair) => {
        const now = cell.current(pair)
        return cell.made.holds(now)
      }
    case 'fails':
      return (pair) => {
        const now = cell.current(pair)
        return !cell.made.holds(now)
      }
    case 'entered':
      return (pair) => {
        if (pair.op === 'delete') return false
        const now = cell.current(pair)
        if (pair.op === 'insert') return cell.made.holds(now) && !cell.made.isNull(now)
        const before = cell.old(pair)
        return cell.made.holds(now) && !cell.made.holds(before)
      }
    case 'left':
      return (pair) => {
        if (pair.op !== 'update') return false
        const now = cell.current(pair)
        const before = cell.old(pair)
        return cell.made.holds(before) && !cell.made.holds(now)
      }
  }
}

/** On a type where the operator has no meaning it never holds. */
function testsOf(subject: Subject, bind: Bind): { readonly holds: Test; readonly isNull: Test } {
  const fits = subject.path.length === 0 || subject.kind.name === 'json'
  const binding = fits ? bind(subject) : ''
  return { holds: typeof binding === 'string' ? () => false : binding, isNull: isNull(subject) }
}
