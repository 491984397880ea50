import { type Cell, Unreadable } from './change.ts'
import { MalformedMessage } from './malformed.ts'

/**
 * How wal2json prints a type. `special` (float4, float8, numeric) is bare like `integer`, but for NaN and the infinities
 * it prints null. Domains over these types count as text: wal2json quotes them and carries every value.
 */
export type ValueKind = 'text' | 'bytea' | 'boolean' | 'integer' | 'special'

const KINDS: ReadonlyMap<number, ValueKind> = new Map([
  [16, 'boolean'],
  [17, 'bytea'],
  [20, 'integer'],
  [21, 'integer'],
  [23, 'integer'],
  [26, 'integer'],
  [700, 'special'],
  [701, 'special'],
  [1700, 'special'],
])

export function kindOf(typeOid: number): ValueKind {
  return KINDS.get(typeOid) ?? 'text'
}

/** A column that cannot be NULL came as null. */
export const HIDDEN = new Unreadable('is NaN or an infinity, which wal2json cannot carry; use --plugin pgoutput')

/** The server announced fewer special values than the row has nulls. */
export const AMBIGUOUS = new Unreadable(
  'is NULL, NaN or an infinity, which wal2json does not tell apart here; use --plugin pgoutput',
)

/** The text between the quotes of a JSON string -> what the type's output function printed. */
export function cellOfQuoted(kind: ValueKind, source: string, hasEscapes: boolean): string {
  const text = hasEscapes ? unescapeJson(source) : source
  return kind === 'bytea' ? `\\x${text}` : text
}

/** A bare word of JSON -> what the type's output function printed. */
export function cellOfBare(kind: ValueKind, word: string): Cell {
  if (word === 'null') return null
  if (kind !== 'boolean') return word
  return word === 'true' ? 't' : 'f'
}

/** The text between the quotes of a JSON string, without its escapes. */
export function unescapeJson(source: string): string {
  try {
    return JSON.parse(`"${source}"`) as string
  } catch {
    throw new MalformedMessage('a text in the message is not a JSON string')
  }
}
