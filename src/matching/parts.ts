import { arrayToJson } from '../values/array-text.ts'
import type { JsonValue } from '../values/json.ts'
import { quoteJson } from '../values/jsonb.ts'
import { UnmappableValue } from '../values/unmappable.ts'
import { UnknownValueError } from './event.ts'
import { jsonAt } from './json-path.ts'
import type { Subject, Test } from './subject.ts'

/** The text form of an element of an array, null for NULL, or the elements of an inner dimension. */
export type ArrayElement = string | null | readonly ArrayElement[]

/**
 * Reads the JSON value that a subject of kind json points at. NULL, a path that leads nowhere and JSON null are all
 * null. The function throws `UnknownValueError` on a text without a JSON form.
 */
export function jsonReader({ column, path, kind }: Subject): (text: string | null) => JsonValue {
  const toJson = kind.name === 'json' ? kind.toJson : null
  return (text) => {
    if (text === null) return null
    return known(column, () => jsonAt(toJson === null ? text : toJson(text), path))
  }
}

/** A test of the JSON value that a subject of kind json points at. */
export function jsonTest(subject: Subject, holds: (value: JsonValue) => boolean): Test {
  const read = jsonReader(subject)
  return (text) => holds(read(text))
}

/** A test of the elements of an array that is not NULL: `{1,NULL}` -> `['1', null]`. */
export function arrayTest(subject: Subject, holds: (elements: readonly ArrayElement[]) => boolean): Test {
  const { column, kind } = subject
  const delimiter = kind.name === 'array' ? kind.delimiter : ','
  return (text) => text !== null && holds(known(column, () => elementsOf(text, delimiter)))
}

function elementsOf(text: string, delimiter: string): readonly ArrayElement[] {
  return JSON.parse(arrayToJson(text, delimiter, quoteJson)) as readonly ArrayElement[]
}

function known<T>(column: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof UnmappableValue ? new UnknownValueError(column, error.message) : error
  }
}
