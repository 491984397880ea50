import { UnmappableValue } from './unmappable.ts'

const NUMBER = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i
/** Most numbers: numeric prints them as they are. */
const PLAIN = /^(?:0|-?[1-9]\d{0,999})(?:\.\d{1,999})?$/
const SPECIAL = /^([+-]?)(nan|inf|infinity)$/i

const NINE = 57

/** Digits after the point that numeric can hold: https://www.postgresql.org/docs/current/datatype-numeric.html */
const MAX_SCALE = 16_383
/** Digits before the point that numeric can hold. */
const MAX_INTEGER_DIGITS = 131_072

/**
 * A finite number taken apart: 0.`digits` * 10^`exponent` with the sign in front. `digits` has no zeros at its ends;
 * it is empty for zero.
 */
interface Decimal {
  readonly sign: -1 | 0 | 1
  readonly exponent: number
  readonly digits: string
}

/** Whether `compareNumeric` takes the text. */
export function isNumericText(text: string): boolean {
  return NUMBER.test(text) || SPECIAL.test(text)
}

/**
 * Compares two numbers digit for digit, in the order of numeric: -Infinity, finite numbers, Infinity, NaN (equal to
 * itself). Negative, zero or positive, as `sort` wants it.
 *
 * Takes what Postgres prints for integers, floats and numeric, and what JSON and YAML allow (`+1`, `.5`, `1E3`).
 * Throws TypeError on anything else.
 */
export function compareNumeric(a: string, b: string): number {
  const rankA = specialRank(a)
  const rankB = specialRank(b)
  if (rankA === 0 && rankB === 0) return compareDecimals(parseDecimal(a), parseDecimal(b))
  const unfit = [a, b].find((text) => !isNumericText(text))
  if (unfit !== undefined) throw new TypeError(`${JSON.stringify(unfit)} is not a number`)
  return rankA - rankB
}

/** -1 for -Infinity, 0 for anything finite, 1 for Infinity, 2 for NaN. */
function specialRank(text: string): number {
  if (text.charCodeAt(text.length - 1) <= NINE) return 0
  const match = SPECIAL.exec(text)
  if (!match) return 0
  if (match[2]?.toLowerCase() === 'nan') return 2
  return match[1] === '-' ? -1 : 1
}

function parseDecimal(text: string): Decimal {
  const match = NUMBER.exec(text)
  if (!match) throw new TypeError(`${JSON.stringify(text)} is not a number`)
  const [, sign, integer = '', fraction = '', exponentText = '0'] = match
  const all = integer + fraction
  const leading = /^0*/.exec(all)?.[0].length ?? 0
  const digits = withoutTrailingZeros(all.slice(leading))
  if (digits === '') return { sign: 0, exponent: 0, digits }
  return { sign: sign === '-' ? -1 : 1, exponent: integer.length - leading + Number(exponentText), digits }
}

/** A loop, because `/0+$/` takes quadratic time on long runs of zeros. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end--
  return digits.slice(0, end)
}

function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.sign !== b.sign) return a.sign - b.sign
  if (a.exponent !== b.exponent) return a.exponent < b.exponent ? -a.sign : a.sign
  // Without zeros at the ends, the order of the fractions is the order of their texts.
  if (a.digits === b.digits) return 0
  return a.digits < b.digits ? -a.sign : a.sign
}

/**
 * Prints a JSON number or a float as numeric does: `1e5` -> `100000`, `1.50e1` -> `15.0`, `-0` -> `0`, `-0.0` -> `0.0`.
 * Throws UnmappableValue where numeric would overflow, so that a short text never becomes gigabytes.
 */
export function plainNumeric(text: string): string {
  if (PLAIN.test(text)) return text
  const match = NUMBER.exec(text)
  if (!match) throw new UnmappableValue('is not a number')
  const [, sign = '', integer = '', fraction = '', exponentText] = match
  const exponent = Number(exponentText ?? 0)
  const scale = Math.max(fraction.length - exponent, 0)
  const digits = (integer + fraction).replace(/^0+/, '')
  const integerDigits = digits === '' ? 0 : digits.length - fraction.length + exponent
  if (scale > MAX_SCALE || integerDigits > MAX_INTEGER_DIGITS) {
    throw new UnmappableValue('holds a number beyond the limits of numeric')
  }
  if (exponentText === undefined && sign === '') return text
  if (digits === '') return scale === 0 ? '0' : `0.${'0'.repeat(scale)}`
  const padded = (digits + '0'.repeat(Math.max(exponent - fraction.length, 0))).padStart(scale + 1, '0')
  const point = padded.length - scale
  return sign + padded.slice(0, point) + (scale === 0 ? '' : `.${padded.slice(point)}`)
}
