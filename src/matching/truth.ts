import { JsonNumber, JsonObject } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import type { ScalarKind } from './kind.ts'
import { jsonTest } from './parts.ts'
import { withoutPadding } from './scale.ts'
import type { Operator, Subject, Test } from './subject.ts'

export const truthy: Operator = (operand) => (operand === true ? isTruthy : 'takes true; its opposite is "falsy"')

export const falsy: Operator = (operand) => {
  if (operand !== true) return 'takes true; its opposite is "truthy"'
  return (subject) => {
    const test = isTruthy(subject)
    return (text) => !test(text)
  }
}

/** NULL, false, 0, 0.00, '', and empty arrays and objects are falsy; everything else is truthy, '0', 'false' and NaN too. */
export function isTruthy(subject: Subject): Test {
  const { kind } = subject
  if (kind.name === 'json') return jsonTest(subject, isTruthyJson)
  const holds = kind.name === 'array' ? hasElements : TRUTHY[kind.name]
  return (text) => text !== null && holds(text)
}

const TRUTHY: Readonly<Record<ScalarKind, (text: string) => boolean>> = {
  boolean: (text) => text === 't',
  number: isNotZero,
  text: isNotEmpty,
  padded: (text) => withoutPadding(text) !== '',
  uuid: isNotEmpty,
  timestamp: isNotEmpty,
  time: isNotEmpty,
  other: isNotEmpty,
}

function isTruthyJson(value: JsonValue): boolean {
  if (value instanceof JsonNumber) return isNotZero(value.source)
  if (value instanceof JsonObject) return value.entries.length > 0
  return typeof value === 'object' ? value !== null && value.length > 0 : Boolean(value)
}

function isNotZero(number: string): boolean {
  return !/^[-+]?[0.]+(?:e|$)/i.test(number)
}

function isNotEmpty(text: string): boolean {
  return text !== ''
}

function hasElements(array: string): boolean {
  return array !== '{}'
}
