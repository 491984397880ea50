import { arrayToJson } from '../values/array-text.ts'
import { quoteJson } from '../values/jsonb.ts'

/** The text form of an element, null for NULL, or the elements of an inner dimension. */
export type ArrayElement = string | null | readonly ArrayElement[]

/** The elements of an array's text form: `{1,NULL}` -> `['1', null]`. Throws UnmappableValue on a malformed one. */
export function arrayElements(text: string, delimiter: string): readonly ArrayElement[] {
  return JSON.parse(arrayToJson(text, delimiter, quoteJson)) as readonly ArrayElement[]
}
