import { faulty, sound } from './checked.ts'
import type { Checked } from './checked.ts'

/** A column, and the steps into its JSON value. */
export interface Field {
  readonly column: string
  readonly path: readonly string[]
}

const SEGMENT = /"((?:[^"]|"")*)"|([^".]+)/y

/**
 * Reads a field: `state`, `author.is_staff`, `tags.0`.
 *
 * A name that holds a dot or that means something else where it stands is put in double quotes, as in SQL: `"any"`,
 * `"net.total".currency`; within the quotes `""` is a quote.
 */
export function parseField(source: string): Checked<Field> {
  const [column, ...path] = parseSegments(source)
  return column === undefined
    ? faulty(`${JSON.stringify(source)} is no field; write column, column.key, or "odd column" in double quotes`)
    : sound({ column, path })
}

/** The names between the dots; empty where the source is malformed. */
export function parseSegments(source: string): string[] {
  const segments: string[] = []
  for (let at = 0; ; at += 1) {
    SEGMENT.lastIndex = at
    const match = SEGMENT.exec(source)
    if (match === null) return []
    segments.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    at = SEGMENT.lastIndex
    if (at === source.length) return segments
    if (source[at] !== '.') return []
  }
}

/** The inverse of `parseField`. */
export function formatField({ column, path }: Field): string {
  return [column, ...path].map(quoted).join('.')
}

/** Words with a meaning of their own as a key of a condition. */
const KEYWORDS: ReadonlySet<string> = new Set(['any', 'all', 'not', 'changed'])

function quoted(name: string): string {
  return KEYWORDS.has(name) || /[".]|^$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}
