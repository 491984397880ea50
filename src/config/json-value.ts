import { JsonNumber, JsonObject } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import type { YamlNode } from './yaml-node.ts'

/** A value of the file as JSON, with every digit of its numbers; `.inf` and `.nan` keep their names. */
export function jsonValue(node: YamlNode): JsonValue {
  switch (node.kind) {
    case 'null':
      return null
    case 'boolean':
      return node.value
    case 'text':
      return node.text
    case 'number':
      return new JsonNumber(node.decimal)
    case 'list':
      return node.items.map(jsonValue)
    case 'map':
      return new JsonObject(node.entries.map(({ key, value }) => [key, jsonValue(value)]))
  }
}
