import type { JsonValue } from '../values/json.ts'
import { arrayElements } from './array-elements.ts'
import type { ArrayElement } from './array-elements.ts'
import { jsonEquals } from './json-path.ts'
import { jsonTest } from './json-test.ts'
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
export function equalTo(subject: Subject, operand: JsonValue): Binding {
  if (operand === null) return isNull(subject)
  const { kind } = subject
  if (kind.name === 'json') return jsonTest(subject, (value) => jsonEquals(value, operand))
  if (kind.name === 'array') {
    if (!isList(operand)) return mismatch('a list', operand)
    const test = elementsEqual({ ...subject, kind: kind.element }, operand)
    if (typeof test === 'string') return test
    return (text) => text !== null && test(arrayElements(text, kind.delimiter))
  }
  const scale = SCALES[kind.name]
  const literal = scale.literal?.(operand)
  if (literal !== undefined) return (text) => text === literal
  const against = scale.against(operand)
  if (against === undefined) return mismatch(scale.expects, operand)
  return (text) => text !== null && against(text) === 0
}

function oneOf(subject: Subject, operands: readonly JsonValue[]): Binding {
  const { kind } = subject
  const literal = kind.name === 'json' || kind.name === 'array' ? undefined : SCALES[kind.name].literal
  const texts = new Set<string | null>()
  const tests: Test[] = []
  for (const operand of operands) {
    const text = operand === null ? null : literal?.(operand)
    if (text !== undefined && kind.name !== 'json') {
      texts.add(text)
      continue
    }
    const test = equalTo(subject, operand)
    if (typeof test === 'string') return `takes a list of which each item ${test}`
    tests.push(test)
  }
  return (text) => texts.has(text) || tests.some((test) => test(text))
}

type ElementTest = (element: ArrayElement) => boolean

function elementsEqual(subject: Subject, operands: readonly JsonValue[]): ElementTest | string {
  const tests: ElementTest[] = []
  for (const operand of operands) {
    const test = isList(operand) ? elementsEqual(subject, operand) : elementTest(subject, operand)
    if (typeof test === 'string') return `takes a list of which each item ${test}`
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
  return typeof test === 'string' ? test : (element) => typeof element !== 'object' ? test(element) : element === null && test(null)
}
