import { compareNumeric } from '../values/decimal.ts'
import { JsonNumber } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import { parseTime, parseTimestamp } from './instant.ts'
import type { ScalarKind } from './kind.ts'
import { compareText } from './text-order.ts'

/** How the values of one scalar kind compare with an operand. */
export interface Scale {
  /** What the operand must be, for messages. */
  readonly expects: string
  /** Whether there is a greater and a less. */
  readonly ordered: boolean
  /** The order of a cell against the operand: negative, zero or positive. Undefined for an operand of another type. */
  readonly against: (operand: JsonValue) => ((text: string) => number) | undefined
  /** The only text form that equals the operand; absent where equal values can have several. */
  readonly literal?: (operand: JsonValue) => string | undefined
}

export const SCALES: Readonly<Record<ScalarKind, Scale>> = {
  number: { against: againstNumber, expects: 'a number', ordered: true },
  text: { ...verbatim(textOf), expects: 'text', ordered: true },
  padded: { ...scale(paddedOf, withoutPadding, compareText), expects: 'text', ordered: true },
  uuid: { ...verbatim(uuidOf), expects: 'a UUID', ordered: true },
  timestamp: {
    ...scale(parsedBy(parseTimestamp), parseTimestamp, compareBigints),
    expects: 'a date or a time stamp such as "2026-01-13T23:12:52Z"',
    ordered: true,
  },
  time: {
    ...scale(parsedBy(parseTime), parseTime, compareBigints),
    expects: 'a time such as "23:12:52"',
    ordered: true,
  },
  boolean: { ...verbatim(booleanOf), expects: 'true or false', ordered: false },
  other: { ...verbatim(textOf), expects: 'text', ordered: false },
}

/** `char(n)` without the blanks that fill it up. */
export function withoutPadding(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === ' ') end -= 1
  return text.slice(0, end)
}

type Comparison = Pick<Scale, 'against' | 'literal'>

/** A cell that `read` does not understand is neither equal, less nor greater. */
function scale<T>(
  operandOf: (operand: JsonValue) => T | undefined,
  read: (text: string) => T | undefined,
  compare: (a: T, b: T) => number,
): Comparison {
  return {
    against(operand) {
      const wanted = operandOf(operand)
      if (wanted === undefined) return undefined
      return (text) => {
        const found = read(text)
        return found === undefined ? NaN : compare(found, wanted)
      }
    },
  }
}

/** Values whose text forms are equal exactly where they are, and in the same order. */
function verbatim(operandOf: (operand: JsonValue) => string | undefined): Comparison {
  return { ...scale(operandOf, asIs, compareText), literal: operandOf }
}

function asIs(text: string): string {
  return text
}

function againstNumber(operand: JsonValue): ((text: string) => number) | undefined {
  if (!(operand instanceof JsonNumber)) return undefined
  const wanted = operand.source
  const quickWanted = quickNumber(wanted)
  return (text) => {
    const difference = quickNumber(text) - quickWanted
    return Number.isNaN(difference) ? compareNumeric(text, wanted) : difference
  }
}

/** Doubles tell numbers of up to 15 digits apart and keep their order; NaN for any other. */
function quickNumber(text: string): number {
  if (text.length > 15 || text.includes('e') || text.includes('E')) return NaN
  const value = Number(text)
  return Number.isFinite(value) ? value : NaN
}

function textOf(operand: JsonValue): string | undefined {
  return typeof operand === 'string' ? operand : undefined
}

function paddedOf(operand: JsonValue): string | undefined {
  return typeof operand === 'string' ? withoutPadding(operand) : undefined
}

function booleanOf(operand: JsonValue): string | undefined {
  if (typeof operand !== 'boolean') return undefined
  return operand ? 't' : 'f'
}

/** In the form in which Postgres prints it. */
function uuidOf(operand: JsonValue): string | undefined {
  if (typeof operand !== 'string') return undefined
  const digits = operand
    .toLowerCase()
    .replace(/^\{(.*)\}$/, '$1')
    .replaceAll('-', '')
  return /^[0-9a-f]{32}$/.test(digits)
    ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    : undefined
}

function parsedBy(parse: (text: string) => bigint | undefined): (operand: JsonValue) => bigint | undefined {
  return (operand) => (typeof operand === 'string' ? parse(operand) : undefined)
}

function compareBigints(a: bigint, b: bigint): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
