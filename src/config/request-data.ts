import { stringifyJson } from '../values/json.ts'
import { mapping } from './fields.ts'
import type { Field } from './fields.ts'
import { jsonValue } from './json-value.ts'
import type { YamlNode } from './yaml-node.ts'

/** Reads `request_data`, constants beside the envelope's own keys: JSON text by key. */
export function readRequestData(field: Field): ReadonlyMap<string, string> | null {
  const map = mapping(field)
  if (map === null) return null
  reportInfinite(field, map)
  return new Map(map.entries.map(({ key, value }) => [key, stringifyJson(jsonValue(value))]))
}

function reportInfinite(field: Field, node: YamlNode): void {
  if (node.kind === 'list') for (const item of node.items) reportInfinite(field, item)
  if (node.kind === 'map') for (const { value } of node.entries) reportInfinite(field, value)
  if (node.kind !== 'number' || /\d/.test(node.decimal)) return
  field.problems.report(
    node.at,
    `"${field.key}" in ${field.where} holds ${node.decimal}, which JSON cannot say; write text`,
  )
}
