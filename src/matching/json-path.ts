import { compareNumeric } from '../values/decimal.ts'
import { JsonNumber, JsonObject, endOfString, parseJson } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import { isList } from './operand.ts'

/**
 * The value at a path into JSON text: a step is a key of an object or a 0-based index of an array. Null where the path
 * leads nowhere, or to null.
 *
 * Skips what the path does not need without building it. Throws UnmappableValue as `parseJson` does.
 */
export function jsonAt(text: string, path: readonly string[]): JsonValue {
  if (path.length === 0) return parseJson(text)
  let at = skipSpace(text, 0)
  for (const step of path) {
    at = stepInto(text, at, step)
    if (at === -1) return null
  }
  return parseJson(text.slice(at, endOfValue(text, at)))
}

/** The members of a JSON object, each value as JSON text; empty for anything else. Throws UnmappableValue as `parseJson`. */
export function jsonMembers(text: string): Map<string, string> {
  const members = new Map<string, string>()
  eachMember(text, skipSpace(text, 0), (key, from, to) => members.set(key, text.slice(from, to)))
  return members
}

/** Equality by JSON type: `1` equals `1.0` and not `"1"`; the order of an object's keys does not matter. */
export function jsonEquals(a: JsonValue, b: JsonValue): boolean {
  if (a instanceof JsonNumber) return b instanceof JsonNumber && compareNumeric(a.source, b.source) === 0
  if (a instanceof JsonObject) return b instanceof JsonObject && membersEqual(new Map(a.entries), new Map(b.entries))
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, i) => jsonEquals(item, b[i] ?? null))
  return a === b
}

function membersEqual(a: ReadonlyMap<string, JsonValue>, b: ReadonlyMap<string, JsonValue>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (!b.has(key) || !jsonEquals(value, b.get(key) ?? null)) return false
  return true
}

/** Where the value of a key or index starts; -1 where there is none. */
function stepInto(text: string, at: number, step: string): number {
  let found = -1
  if (text[at] === '{') {
    eachMember(text, at, (key, from) => {
      if (key === step) found = from // of a repeated key the last one counts
    })
  } else if (text[at] === '[' && /^\d+$/.test(step)) {
    found = startOfElement(text, at, Number(step))
  }
  return found
}

function eachMember(text: string, at: number, visit: (key: string, from: number, to: number) => void): void {
  if (text[at] !== '{') return
  let next = skipSpace(text, at + 1)
  while (text[next] === '"') {
    const keyEnd = endOfString(text, next)
    const from = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const to = endOfValue(text, from)
    visit(unquote(text.slice(next, keyEnd)), from, to)
    next = skipSpace(text, skipSpace(text, to) + 1)
  }
}

function startOfElement(text: string, at: number, wanted: number): number {
  let next = skipSpace(text, at + 1)
  if (text[next] === ']') return -1
  for (let index = 0; index < wanted; index += 1) {
    next = skipSpace(text, endOfValue(text, next))
    if (text[next] !== ',') return -1
    next = skipSpace(text, next + 1)
  }
  return next
}

function unquote(literal: string): string {
  return literal.includes('\\') ? (parseJson(literal) as string) : literal.slice(1, -1)
}

const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

function skipSpace(text: string, at: number): number {
  let next = at
  while (text.charCodeAt(next) <= SPACE) next += 1
  return next
}

/** Past the value that starts at `at`; nesting costs no stack. */
function endOfValue(text: string, at: number): number {
  let depth = 0
  let next = at
  while (next < text.length) {
    const code = text.charCodeAt(next)
    if (code === QUOTE) {
      next = endOfString(text, next)
      if (depth === 0) return next
      continue
    }
    if (depth === 0 && (code === COMMA || code <= SPACE)) return next
    if (code === OPEN_OBJECT || code === OPEN_LIST) depth += 1
    if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      if (depth === 0) return next
      depth -= 1
      if (depth === 0) return next + 1
    }
    next += 1
  }
  return next
}
