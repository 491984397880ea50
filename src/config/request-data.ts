import { mapping } from './fields.ts'
import type { Field } from './fields.ts'
import { jsonText } from './json-text.ts'

/** Reads `request_data`, constants beside the envelope's own keys: JSON text by key. */
export function readRequestData(field: Field): ReadonlyMap<string, string> | null {
  const { problems, where } = field
  const map = mapping(field)
  if (map === null) return null
  const constants = new Map<string, string>()
  for (const { key, value } of map.entries) {
    const json = jsonText(value)
    if (json === null) problems.report(value.at, `"request_data.${key}" in ${where} holds a number that JSON does not know`)
    else constants.set(key, json)
  }
  return constants
}
