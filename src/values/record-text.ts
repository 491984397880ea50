import { UnmappableValue } from './unmappable.ts'

/**
 * The fields of a composite value: `(1,"a ""b""",)` -> `['1', 'a "b"', null]`.
 *
 * https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX
 */
export function parseRecord(text: string): (string | null)[] {
  if (!text.startsWith('(') || !text.endsWith(')')) throw malformed()
  const end = text.length - 1
  const fields: (string | null)[] = []
  for (let at = 1; ; at++) {
    const start = at
    at = endOfField(text, at, end)
    fields.push(start === at ? null : unquote(text.slice(start, at)))
    if (at === end) return fields
  }
}

/** The index of the comma or the closing parenthesis after the field that starts at `at`. */
function endOfField(text: string, at: number, end: number): number {
  let quoted = false
  for (; at < end; at++) {
    const char = text[at]
    if (char === '"') quoted = !quoted
    else if (char === '\\') at++
    else if (char === ',' && !quoted) break
  }
  if (quoted || at > end) throw malformed()
  return at
}

/** A doubled quote toggles twice in `endOfField`, so only here it counts as a character. */
function unquote(field: string): string {
  if (!field.startsWith('"')) return field
  return field.slice(1, -1).replace(/""|\\([^])/g, (match, escaped: string | undefined) => escaped ?? match.slice(1))
}

function malformed(): UnmappableValue {
  return new UnmappableValue('is a malformed composite value')
}
