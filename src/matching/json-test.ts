import type { JsonValue } from '../values/json.ts'
import { jsonAt } from './json-path.ts'
import type { Subject, Test } from './subject.ts'

/**
 * Reads the value that a subject of kind json points at. NULL, a path that leads nowhere and JSON null are all null.
 * The function throws UnmappableValue on a text that is no JSON.
 */
export function jsonReader({ path, kind }: Subject): (text: string | null) => JsonValue {
  const toJson = kind.name === 'json' ? kind.toJson : null
  return (text) => {
    if (text === null) return null
    return jsonAt(toJson === null ? text : toJson(text), path)
  }
}

/** A test of the JSON value that a subject points at. */
export function jsonTest(subject: Subject, holds: (value: JsonValue) => boolean): Test {
  const read = jsonReader(subject)
  return (text) => holds(read(text))
}
