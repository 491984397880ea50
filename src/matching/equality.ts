import type { JsonValue } from '../values/json.ts'
import { jsonEquals } from './json-path.ts'
import { arrayTest, jsonTest } from './parts.ts'
import type { ArrayElement } from './parts.ts'
import { mismatch } from './mismatch.ts'
import { isList } from './operand.ts'
import { SCALES } from './scale.ts'
import type { Binding, Operator, Subject, Test } from './subject.ts'
import { isTruthy } from './truth.ts'

/** Equality in which a boolean operand asks for truthiness, unless the column is boolean. */
export const eq: Operator = (operand) => {
  if (typeof operand !== 'boolean') return (subject) => equalTo(subject, operand)
  return (subject) => {
    if (subject.kind.name === 'boolean') return equalTo(subject, operand)
    const test = isTruthy(subject)
    return operand ? test : (text) => !test(text)
  }
}

/** Equality in which `true` equals nothing but true: on a column that is not boolean it never holds. */
export const is: Operator = (operand) => (subject) => {
  const binding = equalTo(subject, operand)
  return typeof operand === 'boolean' && typeof binding === 'string' ? () => false : binding
}

export const isIn: Operator = (operand) => {
  if (!isList(operand)) return mismatch('a list', operand)
  return (subject) => oneOf(subject, operand)
}

/** NULL; of a path into JSON also a path that leads nowhere, and null. */
export function isNull(subject: Subject): Test {
  return subject.kind.name === 'json' ? jsonTest(subject, (value) => value === null) : (text) => text === null
}

/** Equality of values of one type. NULL equals null alone. */
function equalTo(subject: Subject, operand: JsonValue): Binding {
  if (operand === null) return isNull(subject)
  const { kind } = subject
  if (kind.name === 'json') return jsonTest(subject, (value) => jsonEquals(value, operand))
  if (kind.name === 'array') {
    if (!isList(operand)) return mismatch('a list', operand)
    const test = elementsEqual({ ...subject, kind: kind.element }, operand)
    return typeof test === 'string' ? test : arrayTest(subject, test)
  }
  const literal = literalOf(subject, operand)
  if (literal !== undefined) return (text) => text === literal
  const { against, expects } = SCALES[kind.name]
  const order = against(operand)
  return order === undefined ? mismatch(expects, operand) : (text) => text !== null && order(text) === 0
}

/** The only text form that equals the operand, where there is just one. */
function literalOf({ kind }: Subject, operand: JsonValue): string | undefined {
  return kind.name === 'json' || kind.name === 'array' ? undefined : SCALES[kind.name].literal?.(operand)
}

function oneOf(subject: Subject, operands: readonly JsonValue[]): Binding {
  const literals = new Set<string>()
  const tests: Test[] = []
  for (const operand of operands) {
    const literal = literalOf(subject, operand)
    const test = equalTo(subject, operand)
    if (typeof test === 'string') return eachItem(test)
    if (literal === undefined) tests.push(test)
    else literals.add(literal)
  }
  return (text) => (text !== null && literals.has(text)) || tests.some((test) => test(text))
}

function eachItem(problem: string): string {
  return `takes a list of which each item ${problem}`
}

type ElementTest = (element: ArrayElement) => boolean

function elementsEqual(subject: Subject, operands: readonly JsonValue[]): ElementTest | string {
  const tests: ElementTest[] = []
  for (const operand of operands) {
    const test = isList(operand) ? elementsEqual(subject, operand) : elementTest(subject, operand)
    if (typeof test === 'string') return eachItem(test)
    tests.push(test)
  }
  return (element) =>
    typeof element === 'object' &&
    element?.length === tests.length &&
    tests.every((test, at) => test(element[at] ?? null))
}

/** Whether an element of an array, of the subject's kind, equals the operand. */
export function elementTest(subject: Subject, operand: JsonValue): ElementTest | string {
  const test = equalTo(subject, operand)
  if (typeof test === 'string') return test
  return (element) => (element === null || typeof element === 'string') && test(element)
}
