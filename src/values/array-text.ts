import type { TextToJson } from './types.ts'
import { UnmappableValue } from './unmappable.ts'

/**
 * The text of an array as a JSON array: `[0:1]={1,NULL}` -> `[1,null]`, `{{a},{"b c"}}` -> `[["a"],["b c"]]`. Lower
 * bounds are lost, as `to_jsonb` loses them.
 *
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
export function arrayToJson(text: string, delimiter: string, element: TextToJson): string {
  const start = text.indexOf('{')
  if (start === -1) throw malformed()
  if (isFlat(text, start)) return flatToJson(text.slice(start + 1, -1), delimiter, element)
  let out = ''
  let depth = 0
  for (let at = start; at < text.length;) {
    const char = text[at]
    if (char === '"') {
      const end = endOfQuoted(text, at)
      out += element(text.slice(at + 1, end - 1).replace(/\\([^])/g, '$1'))
      at = end
    } else if (char === '{' || char === '}') {
      depth += char === '{' ? 1 : -1
      out += char === '{' ? '[' : ']'
      at++
      if (depth === 0) break
    } else if (char === delimiter) {
      out += ','
      at++
    } else {
      const end = endOfPlain(text, at, delimiter)
      out += plainToJson(text.slice(at, end), element)
      at = end
    }
  }
  if (depth !== 0) throw malformed()
  return out
}

/** One dimension and nothing quoted: the case worth a short cut. */
function isFlat(text: string, start: number): boolean {
  return text.endsWith('}') && text.indexOf('{', start + 1) === -1 && !text.includes('"', start)
}

function flatToJson(inner: string, delimiter: string, element: TextToJson): string {
  if (inner === '') return '[]'
  let out = '['
  const parts = inner.split(delimiter)
  for (let i = 0; i < parts.length; i++) out += (i === 0 ? '' : ',') + plainToJson(parts[i]!, element)
  return `${out}]`
}

function plainToJson(text: string, element: TextToJson): string {
  return text === 'NULL' ? 'null' : element(text)
}

function endOfPlain(text: string, at: number, delimiter: string): number {
  let end = at
  while (end < text.length && text[end] !== delimiter && text[end] !== '}') end++
  if (end === text.length) throw malformed()
  return end
}

/** The index after the closing quote of the quoted element that starts at `at`; a backslash escapes any character. */
function endOfQuoted(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    const char = text[end]
    if (char === '\\') end++
    else if (char === '"') return end + 1
  }
  throw malformed()
}

function malformed(): UnmappableValue {
  return new UnmappableValue('is a malformed array')
}
