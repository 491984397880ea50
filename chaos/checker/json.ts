/** JSON with its numbers as the text that was written: `1.10` is not `1.1`, and nothing is rounded. */
export type Exact = null | boolean | string | ExactNumber | readonly Exact[] | { readonly [key: string]: Exact }

/** A number of JSON, digit for digit. */
export interface ExactNumber {
  readonly digits: string
}

type Reviver = (key: string, value: unknown, source: { readonly source: string }) => unknown
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown

/** Parses JSON without rounding. Throws SyntaxError on anything else. */
export function parseExact(text: string): Exact {
  return parse(text, (_, value, { source }) => (typeof value === 'number' ? { digits: source } : value)) as Exact
}

/** A member of an object; undefined where there is none, or no object. */
export function member(value: Exact | undefined, key: string): Exact | undefined {
  if (value === null || value === undefined || typeof value !== 'object' || Array.isArray(value)) return undefined
  return Object.hasOwn(value, key) ? (value as Record<string, Exact>)[key] : undefined
}

/** A string, or the digits of a number; null for everything else. */
export function textOf(value: Exact | undefined): string | null {
  if (typeof value === 'string') return value
  const digits = (value as ExactNumber | null | undefined)?.digits
  return typeof digits === 'string' ? digits : null
}

/** Compares values without regard to the order of keys: jsonb has one of its own. Absent and null are not the same. */
export function isSame(a: Exact | undefined, b: Exact | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && isSame(at(a, key), at(b, key)))
}

function at(value: object, key: string): Exact | undefined {
  return (value as Record<string, Exact>)[key]
}
