import { isNumericText } from '../values/decimal.ts'
import { JsonNumber, JsonObject } from '../values/json.ts'
import type { JsonEntry, JsonValue } from '../values/json.ts'
import { faulty, sound } from './checked.ts'
import type { Checked } from './checked.ts'

/** Mappings within mappings (a list in a mapping is no level of its own). */
const MAX_DEPTH = 32
/** Mappings, lists and scalars. */
const MAX_NODES = 1_000
/** Of all texts and keys together. */
const MAX_CHARACTERS = 65_536

/**
 * Brings a condition into one form, whether it was parsed from YAML or from JSON: plain objects become `JsonObject`,
 * numbers `JsonNumber`. Both of these are taken as they are, so a parser that keeps every digit can pass them.
 *
 * Refuses what is larger than the time of the stream allows, and what no parser gives.
 */
export function readOperand(value: unknown): Checked<JsonValue> {
  const reader = new OperandReader()
  const read = reader.read(value, 1)
  return reader.problem === null ? sound(read) : faulty(reader.problem)
}

/** For messages: `the number 5`, `the text "x"`, `a list`. */
export function describeOperand(value: JsonValue): string {
  if (value instanceof JsonNumber) return `the number ${shorten(value.source)}`
  if (value instanceof JsonObject) return 'a mapping'
  if (typeof value === 'string') return `the text ${JSON.stringify(shorten(value))}`
  return typeof value === 'object' && value !== null ? 'a list' : String(value)
}

export function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

class OperandReader {
  problem: string | null = null
  #nodes = 0
  #characters = 0

  read(value: unknown, depth: number): JsonValue {
    this.#nodes += 1
    if (this.#nodes > MAX_NODES) return this.#refuse(`the condition has more than ${MAX_NODES} parts; make it smaller`)
    if (typeof value === 'string') return this.#text(value)
    if (value === null || typeof value === 'boolean') return value
    if (typeof value === 'number' || typeof value === 'bigint') return new JsonNumber(String(value))
    if (value instanceof JsonNumber) return this.#number(value)
    if (depth > MAX_DEPTH) return this.#refuse(`the condition is nested more than ${MAX_DEPTH} levels deep`)
    if (Array.isArray(value)) return this.#list(value, depth)
    if (value instanceof JsonObject) return this.#mapping(value.entries, depth)
    if (isPlainObject(value)) return this.#mapping(Object.entries(value), depth)
    return this.#refuse(
      'the condition holds something that is neither text, number, true, false, null, list nor mapping',
    )
  }

  #list(items: readonly unknown[], depth: number): JsonValue {
    const read: JsonValue[] = []
    for (const item of items) {
      read.push(this.read(item, Array.isArray(item) ? depth + 1 : depth))
      if (this.problem !== null) return null
    }
    return read
  }

  #mapping(entries: readonly (readonly [string, unknown])[], depth: number): JsonValue {
    const read: JsonEntry<JsonValue>[] = []
    for (const [key, value] of entries) {
      read.push([this.#text(key), this.read(value, Array.isArray(value) ? depth : depth + 1)])
      if (this.problem !== null) return null
    }
    return new JsonObject(read)
  }

  #text(text: string): string {
    this.#characters += text.length
    if (this.#characters > MAX_CHARACTERS) this.#refuse(`the condition has more than ${MAX_CHARACTERS} characters`)
    return text
  }

  #number(number: JsonNumber): JsonValue {
    this.#text(number.source)
    return this.problem !== null || isNumericText(number.source)
      ? number
      : this.#refuse(`${JSON.stringify(number.source)} is not a number`)
  }

  #refuse(problem: string): null {
    this.problem ??= problem
    return null
  }
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`
}
