import { UnmappableValue } from './unmappable.ts'

/** JSON without loss: numbers keep their source text, objects their key order and duplicate keys. */
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject

/** A number as it was written: `1.50`, `1e400`. */
export class JsonNumber {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }
}

/** The members in the order of the source, duplicates included. */
export class JsonObject {
  readonly entries: readonly JsonEntry<JsonValue>[]

  constructor(entries: readonly JsonEntry<JsonValue>[]) {
    this.entries = entries
  }

  /** The value of a key; of duplicate keys the last counts, as for jsonb. `undefined` where there is none. */
  get(key: string): JsonValue | undefined {
    return this.entries.findLast((entry) => entry[0] === key)?.[1]
  }
}

export type JsonEntry<T> = readonly [key: string, value: T]

/** What `foldJson` makes of each part; containers get what was made of their parts. */
export interface JsonBuilder<T> {
  literal(value: null | boolean): T
  number(source: string): T
  string(value: string): T
  array(items: T[]): T
  object(entries: JsonEntry<T>[]): T
}

/** So that code which walks a tree may recurse. */
const MAX_DEPTH = 1_000

const tree: JsonBuilder<JsonValue> = {
  literal: (value) => value,
  number: (source) => new JsonNumber(source),
  string: (value) => value,
  array: (items) => items,
  object: (entries) => new JsonObject(entries),
}

/** Parses JSON without loss. Throws UnmappableValue on malformed text, on `\u0000` and beyond 1,000 levels. */
export function parseJson(text: string): JsonValue {
  return foldJson(text, tree, MAX_DEPTH)
}

/** Prints a value without white space; numbers, key order and duplicates as parsed. */
export function stringifyJson(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.source
  if (value instanceof JsonObject) {
    return `{${value.entries.map(([key, member]) => `${JSON.stringify(key)}:${stringifyJson(member)}`).join(',')}}`
  }
  if (typeof value === 'object' && value !== null) return `[${value.map(stringifyJson).join(',')}]`
  return JSON.stringify(value)
}

interface OpenContainer<T> {
  readonly entries: JsonEntry<T>[] | null
  readonly items: T[]
  key: string
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/**
 * Reads JSON from the leaves up and gives what `build` makes of the whole. It keeps its own stack, so that deep nesting
 * cannot overflow that of JavaScript. Throws UnmappableValue as `parseJson` does, beyond `maxDepth` levels.
 */
export function foldJson<T>(text: string, build: JsonBuilder<T>, maxDepth = Infinity): T {
  const open: OpenContainer<T>[] = []
  let at = skipSpace(text, 0)
  for (;;) {
    let value: T
    const first = text.charCodeAt(at)
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      if (open.length >= maxDepth) throw new UnmappableValue(`is JSON nested more than ${maxDepth} levels deep`)
      const container: OpenContainer<T> = { entries: first === OPEN_BRACE ? [] : null, items: [], key: '' }
      at = skipSpace(text, at + 1)
      if (text.charCodeAt(at) !== closerOf(container)) {
        if (container.entries) at = readKey(text, at, container)
        open.push(container)
        continue
      }
      at++
      value = close(container, build)
    } else {
      const end = endOfScalar(text, at)
      value = readScalar(text, at, end, build)
      at = end
    }

    for (;;) {
      at = skipSpace(text, at)
      const container = open.at(-1)
      if (!container) {
        if (at < text.length) throw malformed()
        return value
      }
      if (container.entries) container.entries.push([container.key, value])
      else container.items.push(value)
      const next = text.charCodeAt(at)
      if (next === COMMA) {
        at = skipSpace(text, at + 1)
        if (container.entries) at = readKey(text, at, container)
        break
      }
      if (next !== closerOf(container)) throw malformed()
      at++
      open.pop()
      value = close(container, build)
    }
  }
}

const QUOTE = 34
const COMMA = 44
const COLON = 58
const BACKSLASH = 92
const OPEN_BRACKET = 91
const OPEN_BRACE = 123

function closerOf(container: OpenContainer<unknown>): number {
  return container.entries ? 125 : 93
}

function close<T>(container: OpenContainer<T>, build: JsonBuilder<T>): T {
  return container.entries ? build.object(container.entries) : build.array(container.items)
}

function readKey(text: string, at: number, container: OpenContainer<unknown>): number {
  if (text.charCodeAt(at) !== QUOTE) throw malformed()
  const end = endOfString(text, at)
  container.key = unquote(text.slice(at, end))
  const colon = skipSpace(text, end)
  if (text.charCodeAt(colon) !== COLON) throw malformed()
  return skipSpace(text, colon + 1)
}

function endOfScalar(text: string, at: number): number {
  if (text.charCodeAt(at) === QUOTE) return endOfString(text, at)
  for (const word of ['true', 'false', 'null']) if (text.startsWith(word, at)) return at + word.length
  NUMBER.lastIndex = at
  if (!NUMBER.test(text)) throw malformed()
  return NUMBER.lastIndex
}

function readScalar<T>(text: string, at: number, end: number, build: JsonBuilder<T>): T {
  const source = text.slice(at, end)
  switch (source.charCodeAt(0)) {
    case QUOTE:
      return build.string(unquote(source))
    case 116:
      return build.literal(true)
    case 102:
      return build.literal(false)
    case 110:
      return build.literal(null)
    default:
      return build.number(source)
  }
}

/** The index after the closing quote of the string that starts at `at`. */
export function endOfString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    if ((quote - before) % 2 === 1) return quote + 1
  }
  throw malformed()
}

function unquote(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  const value = parseEscapes(quoted)
  if (value.includes('\0')) throw new UnmappableValue('holds \\u0000, which jsonb does not allow')
  if (!value.isWellFormed()) throw new UnmappableValue('holds half of a surrogate pair, which jsonb does not allow')
  return value
}

function parseEscapes(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    throw malformed()
  }
}

function skipSpace(text: string, at: number): number {
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at
    at++
  }
}

function malformed(): UnmappableValue {
  return new UnmappableValue('is malformed JSON')
}
