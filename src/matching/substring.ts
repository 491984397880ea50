import { JsonNumber, JsonObject } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import { elementTest } from './equality.ts'
import { jsonEquals } from './json-path.ts'

import { mismatch } from './mismatch.ts'
import { isList } from './operand.ts'
import { arrayTest, jsonTest } from './parts.ts'
import type { ArrayElement } from './parts.ts'
import type { Operator, Subject } from './subject.ts'
import { textTest } from './text-test.ts'

export const startswith = anyPart((text, part) => text.startsWith(part))
export const endswith = anyPart((text, part) => text.endsWith(part))

/** A substring of a text, an element of an array, a key of an object. */
export const contains: Operator = (operand) => (subject) => {
  const { kind } = subject
  if (kind.name === 'json') return jsonTest(subject, (value) => jsonContains(value, operand))
  if (kind.name === 'array') {
    const test = elementTest({ ...subject, kind: kind.element }, operand)
    return typeof test === 'string' ? test : arrayTest(subject, (elements) => hasElement(elements, test))
  }
  const part = partOf(subject, operand)
  return part === undefined ? mismatch('text', operand) : textTest(subject, (text) => text.includes(part))
}

/** A list of operands means any of them. */
function anyPart(holds: (text: string, part: string) => boolean): Operator {
  return (operand) => {
    if (isList(operand) && operand.length === 0) return 'takes text or a list of texts, not an empty list'
    return (subject) => {
      const parts: string[] = []
      for (const item of isList(operand) ? operand : [operand]) {
        const part = partOf(subject, item)
        if (part === undefined) return mismatch('text or a list of texts', item)
        parts.push(part)
      }
      return textTest(subject, (text) => parts.some((part) => holds(text, part)))
    }
  }
}

/** Numbers are looked for in the digits of numbers; elsewhere a number is a slip. */
function partOf({ kind }: Subject, operand: JsonValue): string | undefined {
  if (typeof operand === 'string') return operand
  return operand instanceof JsonNumber && kind.name === 'number' ? operand.source : undefined
}

function jsonContains(value: JsonValue, operand: JsonValue): boolean {
  if (isList(value)) return value.some((item) => jsonEquals(item, operand))
  if (typeof operand !== 'string') return false
  if (value instanceof JsonObject) return value.get(operand) !== undefined
  return typeof value === 'string' && value.includes(operand)
}

/** In any dimension. */
function hasElement(elements: readonly ArrayElement[], test: (element: ArrayElement) => boolean): boolean {
  return elements.some((element) => (isInner(element) ? hasElement(element, test) : test(element)))
}

function isInner(element: ArrayElement): element is readonly ArrayElement[] {
  return Array.isArray(element)
}
