import { compareNumeric } from '../values/decimal.ts'
import type { JsonValue } from '../values/json.ts'
import type { TypeLookup } from '../values/types.ts'
import type { Predicate, RowPair } from './event.ts'
import { parseField } from './field.ts'
import type { Field } from './field.ts'
import { jsonEquals } from './json-path.ts'
import { describeOperand, isList, readOperand } from './operand.ts'
import { jsonReader } from './parts.ts'
import { Compilation } from './scope.ts'
import type { CompiledCondition, ConditionPath, ConditionScope } from './scope.ts'
import type { Subject } from './subject.ts'
import { TypedColumn } from './typed-column.ts'

/** Compiles the columns of which at least one must differ between the old row and the new one: `[state, title]`. */
export function compileChanged(columns: unknown, scope: ConditionScope): CompiledCondition {
  const compilation = new Compilation(scope)
  const { value, problem } = readOperand(columns)
  if (problem !== null) {
    compilation.report([], problem)
    return compilation.finish(null)
  }
  compilation.needRow()
  return compilation.finish(changedPredicate(value, [], compilation))
}

/** The same within a condition. True of every insert, false of every delete. */
export function changedPredicate(value: JsonValue, path: ConditionPath, compilation: Compilation): Predicate {
  const items = isList(value) ? value : [value]
  if (items.length === 0) compilation.report(path, '"changed" takes at least one column')
  compilation.needTransition('"changed"', 'leave it out', path)
  const tests = items.map((item, index) => {
    const field = readField(item, isList(value) ? [...path, index] : path, compilation)
    return differs(field, compilation.scope.types)
  })
  return (pair) => pair.op === 'insert' || (pair.op === 'update' && tests.some((test) => test(pair)))
}

function readField(item: JsonValue, path: ConditionPath, compilation: Compilation): Field {
  const { value: field, problem } =
    typeof item === 'string'
      ? parseField(item)
      : { value: null, problem: `"changed" takes columns, such as [state, title], not ${describeOperand(item)}` }
  if (field === null) {
    compilation.report(path, problem)
    return { column: '', path: [] }
  }
  compilation.use(field, path)
  if (compilation.hears('update')) compilation.needOld(field.column, path, '"changed"')
  return field
}

/** Whether an update made the field distinct, as IS DISTINCT FROM says: 1.0 is not distinct from 1.00, NULL is not from NULL. */
function differs(field: Field, types: TypeLookup): (pair: RowPair) => boolean {
  const cell = new TypedColumn(field, types, distinctTexts)
  return (pair) => {
    const now = cell.current(pair)
    const before = cell.old(pair)
    return now !== before && cell.made(now, before)
  }
}

function distinctTexts(subject: Subject): (a: string | null, b: string | null) => boolean {
  if (subject.kind.name === 'json') {
    const read = jsonReader(subject)
    return (a, b) => !jsonEquals(read(a), read(b))
  }
  if (subject.kind.name !== 'number') return () => true
  return (a, b) => a === null || b === null || compareNumeric(a, b) !== 0
}
