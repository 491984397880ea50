import { JsonNumber } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import { jsonTest } from './parts.ts'
import { mismatch } from './mismatch.ts'
import { SCALES } from './scale.ts'
import type { Binding, Operator, Subject } from './subject.ts'

export const gt = ordering((order) => order > 0)
export const gte = ordering((order) => order >= 0)
export const lt = ordering((order) => order < 0)
export const lte = ordering((order) => order <= 0)

/** Takes the order of a value against the operand; NaN where they cannot be compared. */
type Holds = (order: number) => boolean

function ordering(holds: Holds): Operator {
  return (operand) => {
    if (operand === null) return 'takes a value, not null; nothing is greater or less than null'
    if (!(operand instanceof JsonNumber) && typeof operand !== 'string') return mismatch('a number or text', operand)
    return (subject) => ordered(subject, operand, holds)
  }
}

function ordered(subject: Subject, operand: JsonValue, holds: Holds): Binding {
  const { kind } = subject
  if (kind.name === 'json') return orderedJson(subject, operand, holds)
  if (kind.name === 'array') return 'cannot be used on an array, which has no order'
  const scale = SCALES[kind.name]
  if (!scale.ordered) return 'cannot be used on this type, which has no order here; use "in" with a list of values'
  const against = scale.against(operand)
  if (against === undefined) return mismatch(scale.expects, operand)
  return (text) => text !== null && holds(against(text))
}

/** A JSON value of another type than the operand is neither greater nor less. */
function orderedJson(subject: Subject, operand: JsonValue, holds: Holds): Binding {
  const isNumber = operand instanceof JsonNumber
  const against = SCALES[isNumber ? 'number' : 'text'].against(operand)
  if (against === undefined) return mismatch('a number or text', operand)
  return jsonTest(subject, (value) => {
    if (isNumber) return value instanceof JsonNumber && holds(against(value.source))
    return typeof value === 'string' && holds(against(value))
  })
}
