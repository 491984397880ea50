import { JsonObject } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import { changedPredicate } from './changed.ts'
import type { Predicate } from './event.ts'
import { formatField, parseField } from './field.ts'
import type { Field } from './field.ts'
import { describeOperand, isList, readOperand } from './operand.ts'
import { OPERATORS } from './operators.ts'
import type { OperatorUse } from './operators.ts'
import { nearest } from './pattern.ts'
import { allOf, anyOf, negated } from './predicates.ts'
import { Compilation } from './scope.ts'
import type { CompiledCondition, ConditionPath, ConditionScope } from './scope.ts'
import type { RegexBudget } from './regex.ts'
import { fieldPredicate } from './transition.ts'

/**
 * Compiles a condition, `when` of an event or `filter` of a subscriber, and reports every problem at once.
 *
 * A mapping is an AND of its entries. The keys `any`, `all`, `not` and `changed` are never columns: a column of that
 * name is written in double quotes, `'"any"': 1`. Within a field `any: true` is an operator. Null and `{}` match every
 * row.
 */
export function compileCondition(value: unknown, scope: ConditionScope): CompiledCondition {
  const compilation = new Compilation(scope)
  const { value: condition, problem } = readOperand(value)
  if (problem !== null) compilation.report([], problem)
  if (condition === null) return compilation.finish(null)
  if (!(condition instanceof JsonObject) || condition.entries.length > 0) compilation.needRow()
  return compilation.finish(new ConditionCompiler(compilation).mapping(condition, []))
}

type Known = ReturnType<Compilation['use']>

class ConditionCompiler {
  readonly #compilation: Compilation
  readonly #regexes: RegexBudget = { programSize: 0 }

  constructor(compilation: Compilation) {
    this.#compilation = compilation
  }

  mapping(value: JsonValue, path: ConditionPath): Predicate | null {
    if (value instanceof JsonObject)
      return allOf(value.entries.map(([key, entry]) => this.#entry(key, entry, [...path, key])))
    const fix = isList(value) ? '; put a list of conditions under "any" or "all"' : ''
    return this.#report(
      path,
      `a condition is a mapping such as { state: published }, not ${describeOperand(value)}${fix}`,
    )
  }

  #entry(key: string, value: JsonValue, path: ConditionPath): Predicate | null {
    switch (key) {
      case 'any':
        return anyOf(this.#list(key, value, path))
      case 'all':
        return allOf(this.#list(key, value, path))
      case 'not':
        return negated(this.mapping(value, path))
      case 'changed':
        return changedPredicate(value, path, this.#compilation)
      default:
        return this.#field(key, value, path)
    }
  }

  #list(key: 'any' | 'all', value: JsonValue, path: ConditionPath): (Predicate | null)[] {
    if (isList(value) && value.length > 0) return value.map((item, index) => this.mapping(item, [...path, index]))
    const what = isList(value) ? 'an empty list' : describeOperand(value)
    this.#report(path, `"${key}" takes a list of conditions, not ${what}; a column of that name is written '"${key}"'`)
    return [null]
  }

  #field(key: string, value: JsonValue, path: ConditionPath): Predicate | null {
    const { value: field, problem } = parseField(key)
    if (problem !== null) return this.#report(path, problem)
    const operators = value instanceof JsonObject ? value.entries : [['eq', value] as const]
    if (operators.length === 0) return this.#report(path, `"${key}" has no operator; write ${key}: { eq: … }`)
    // `any: true` holds even where there is no such column.
    const known = operators.every(([name]) => name === 'any') ? null : this.#compilation.use(field, path)
    return allOf(
      operators.map(([name, operand]) => {
        const at = value instanceof JsonObject ? [...path, name] : path
        return this.#operator({ name, operand, field, known }, at)
      }),
    )
  }

  #operator({ name, operand, field, known }: OperatorEntry, path: ConditionPath): Predicate | null {
    if (name === 'any') return operand === true ? null : this.#report(path, ANY_TAKES_TRUE)
    const use = OPERATORS.get(name)
    if (use === undefined) return this.#report(path, unknownOperator(name, field))
    this.#checkRows(name, use, field, path)
    const bind = use.operator(operand, this.#regexes)
    if (typeof bind === 'string') return this.#report(path, `"${name}" ${bind}`)
    if (known !== null) {
      const binding = bind({ ...field, kind: known.kind })
      if (typeof binding === 'string') {
        const hint = isList(operand) && name === 'eq' ? '; for one of several values use "in"' : ''
        return this.#report(path, `"${name}" on column "${field.column}" (${known.typeName}) ${binding}${hint}`)
      }
    }
    return fieldPredicate(field, use.tense, bind, this.#compilation.scope.types)
  }

  /** Reports an operator that needs rows which the event does not have or Postgres does not send. */
  #checkRows(name: string, { tense }: OperatorUse, { column }: Field, path: ConditionPath): void {
    const compilation = this.#compilation
    if (tense === 'entered' || tense === 'left') {
      compilation.needTransition(`"${name}"`, `use "${name.replace('now_', '')}"`, path)
      if (compilation.hears('update')) compilation.needOld(column, path, `"${name}"`)
    } else if (compilation.hears('delete')) compilation.needOld(column, path, 'a condition on deleted rows')
  }

  #report(path: ConditionPath, message: string): null {
    this.#compilation.report(path, message)
    return null
  }
}

interface OperatorEntry {
  readonly name: string
  readonly operand: JsonValue
  readonly field: Field
  readonly known: Known
}

const ANY_TAKES_TRUE = '"any" takes true here, which always holds; to combine conditions put "any" beside the columns'

function unknownOperator(name: string, field: Field): string {
  const what = `unknown operator "${name}" on "${formatField(field)}"`
  if (name === 'not' || name === 'all' || name === 'changed')
    return `${what}; it goes around or beside columns, not below one`
  const close = nearest(name, [...OPERATORS.keys(), 'any'])
  if (close !== null) return `${what}; did you mean "${close}"?`
  const plain = [...OPERATORS.keys()].filter((known) => !known.startsWith('now_'))
  const inside = formatField({ ...field, path: [...field.path, name] })
  return `${what}; known: ${plain.join(', ')}, any, and now_… (now_eq); a key within a json column is written ${inside}`
}
