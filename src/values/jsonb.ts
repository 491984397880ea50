import { plainNumeric } from './decimal.ts'
import { endOfString, foldJson, type JsonBuilder, type JsonEntry } from './json.ts'

// oxlint-disable-next-line no-control-regex -- these are what JSON demands to be escaped
const CONTROL_OR_QUOTE = /["\\\u0000-\u001f]/

/** A text as a JSON string, escaped as Postgres does it: only what JSON demands. */
export function quoteJson(text: string): string {
  return CONTROL_OR_QUOTE.test(text) ? JSON.stringify(text) : `"${text}"`
}

const normalised: JsonBuilder<string> = {
  literal: (value) => (value === null ? 'null' : value ? 'true' : 'false'),
  number: plainNumeric,
  string: quoteJson,
  array: (items) => {
    let out = '['
    for (let i = 0; i < items.length; i++) out += i === 0 ? items[i]! : `,${items[i]!}`
    return `${out}]`
  },
  object: (entries) => {
    let out = '{'
    for (const [key, value] of sortAsJsonb(entries)) out += `${out === '{' ? '' : ','}${quoteJson(key)}:${value}`
    return `${out}}`
  },
}

/**
 * The text of a json value as `value::jsonb` gives it, without white space: of duplicate keys the last, keys by byte
 * length and then by bytes, numbers as numeric prints them, no needless escapes.
 *
 * Throws UnmappableValue where the cast to jsonb fails.
 */
export function normaliseJsonb(text: string): string {
  return foldJson(text, normalised)
}

/** Removes the white space that Postgres prints between the tokens of a jsonb value. */
export function compactJsonb(text: string): string {
  let space = text.indexOf(' ')
  if (space === -1) return text
  let string = text.indexOf('"')
  let out = ''
  let copied = 0
  while (space !== -1) {
    if (string === -1 || space < string) {
      out += text.slice(copied, space)
      copied = space + 1
      space = text.indexOf(' ', copied)
    } else {
      const end = endOfString(text, string)
      if (space < end) space = text.indexOf(' ', end)
      string = text.indexOf('"', end)
    }
  }
  return out + text.slice(copied)
}

/** Entries in the order in which jsonb keeps them, of duplicate keys only the last. */
export function sortAsJsonb<T>(entries: readonly JsonEntry<T>[]): JsonEntry<T>[] {
  if (entries.length < 2) return [...entries]
  const last: JsonEntry<T>[] = [...new Map(entries)]
  return last.sort(last.every(([key]) => ASCII.test(key)) ? compareAscii : compareBytes)
}

const ASCII = /^\p{ASCII}*$/u

function compareAscii([a]: JsonEntry<unknown>, [b]: JsonEntry<unknown>): number {
  return a.length - b.length || (a < b ? -1 : 1)
}

function compareBytes([a]: JsonEntry<unknown>, [b]: JsonEntry<unknown>): number {
  const bytesA = Buffer.from(a)
  const bytesB = Buffer.from(b)
  return bytesA.length - bytesB.length || bytesA.compare(bytesB)
}
