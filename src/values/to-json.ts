import { arrayToJson } from './array-text.ts'
import { plainNumeric } from './decimal.ts'
import { hstoreToJson } from './hstore-text.ts'
import { compactJsonb, normaliseJsonb, quoteJson, sortAsJsonb } from './jsonb.ts'
import { parseRecord } from './record-text.ts'
import type { PgType, TextToJson, TypeLookup } from './types.ts'
import { UnmappableValue } from './unmappable.ts'

/**
 * Gives, by type OID, the function that turns a value's text into the JSON text of `to_jsonb(value)`, without white
 * space and digit for digit. A built-in OID that the catalog does not know gives a JSON string of the text.
 *
 * The text must be what the type's output function prints with DateStyle ISO, TimeZone UTC, IntervalStyle postgres,
 * bytea_output hex and extra_float_digits 1 or more.
 *
 * Functions are kept by OID, so make a new converter when the catalog is read again. They throw UnmappableValue where
 * the cast to jsonb fails in Postgres, where the text does not fit its type, and where the type is gone.
 */
export function jsonConverter(lookup: TypeLookup): (typeOid: number) => TextToJson {
  const known = new Map<number, TextToJson>(BUILT_IN)
  const convert = (typeOid: number): TextToJson => {
    let found = known.get(typeOid)
    if (!found) {
      const type = lookup(typeOid)
      found = type === undefined && typeOid >= FIRST_NORMAL_OID ? refuseGone : converterOf(type, convert)
      known.set(typeOid, found)
    }
    return found
  }
  return convert
}

/** Types from here on are not built in, and may be dropped. */
const FIRST_NORMAL_OID = 16_384

const BUILT_IN: readonly (readonly [number, TextToJson])[] = [
  [16, (text) => (text === 't' ? 'true' : 'false')],
  [20, asIs],
  [21, asIs],
  [23, asIs],
  [700, floatToJson],
  [701, floatToJson],
  [1700, numericToJson],
  [1082, plainString],
  [1114, timestampToJson],
  [1184, timestamptzToJson],
  [114, normaliseJsonb],
  [3802, compactJsonb],
  [22, int2vectorToJson],
  [30, oidvectorToJson],
  [2950, plainString],
]

function converterOf(type: PgType | undefined, convert: (typeOid: number) => TextToJson): TextToJson {
  switch (type?.kind) {
    case 'domain':
      return convert(type.base)
    case 'hstore':
      return hstoreToJson
    case 'array': {
      const element = convert(type.element)
      return (text) => arrayToJson(text, type.delimiter, element)
    }
    case 'composite':
      return compositeConverter(type, convert)
    default:
      return quoteJson
  }
}

/** Keys come in the order of jsonb, which is not that of the fields. */
function compositeConverter(
  type: PgType & { kind: 'composite' },
  convert: (typeOid: number) => TextToJson,
): TextToJson {
  const count = type.fields.length
  const members = sortAsJsonb(type.fields.map((field, index) => [field.name, { index, type: field.type }])).map(
    ([name, { index, type }], place) => ({
      prefix: `${place === 0 ? '' : ','}${quoteJson(name)}:`,
      index,
      toJson: convert(type),
    }),
  )
  return (text) => {
    const values = count === 0 ? [] : parseRecord(text)
    if (values.length !== count) throw new UnmappableValue('has other fields than its composite type has now')
    let out = '{'
    for (const { prefix, index, toJson } of members) {
      const value = values[index]!
      out += prefix + (value === null ? 'null' : toJson(value))
    }
    return `${out}}`
  }
}

/** An array, a composite and a number over a domain are not what their text is. */
function refuseGone(): never {
  throw new UnmappableValue('is of a type that does not exist any more')
}

function asIs(text: string): string {
  return text
}

/** For types whose text never holds a quote, a backslash or a control character. */
function plainString(text: string): string {
  return `"${text}"`
}

/** NaN, Infinity and -Infinity are strings in jsonb. */
function numericToJson(text: string): string {
  const last = text.charCodeAt(text.length - 1)
  return last === UPPER_N || last === LOWER_Y ? `"${text}"` : text
}

const UPPER_N = 78
const LOWER_Y = 121

/** jsonb keeps a float as the numeric of its text: without an exponent and without a negative zero. */
function floatToJson(text: string): string {
  return text === '-0' || text.includes('e') ? plainNumeric(text) : numericToJson(text)
}

/** `2026-01-13 23:12:52.5 BC` -> `"2026-01-13T23:12:52.5 BC"`; `infinity` has no space. */
function timestampToJson(text: string): string {
  return `"${text.replace(' ', 'T')}"`
}

const HOURS_ONLY = /[+-]\d\d(?= BC$|$)/

/** Like `timestampToJson`, with the minutes of the offset: `+00` -> `+00:00`. */
function timestamptzToJson(text: string): string {
  const space = text.indexOf(' ')
  if (space === -1) return `"${text}"`
  const date = text.slice(0, space)
  if (text.endsWith('+00')) return `"${date}T${text.slice(space + 1)}:00"`
  return `"${date}T${text.slice(space + 1).replace(HOURS_ONLY, '$&:00')}"`
}

function int2vectorToJson(text: string): string {
  return `[${text.replaceAll(' ', ',')}]`
}

function oidvectorToJson(text: string): string {
  return text === '' ? '[]' : `["${text.replaceAll(' ', '","')}"]`
}
