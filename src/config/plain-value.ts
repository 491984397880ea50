import { NumberLiteral } from '../matching/operand.ts'
import type { YamlNode } from './yaml-node.ts'

/** A value of the file as JavaScript knows it, with a `NumberLiteral` for a number that would lose digits or zeros. */
export function plainValue(node: YamlNode): unknown {
  switch (node.kind) {
    case 'null':
      return null
    case 'boolean':
      return node.value
    case 'text':
      return node.text
    case 'number':
      return String(Number(node.decimal)) === node.decimal ? Number(node.decimal) : new NumberLiteral(node.decimal)
    case 'list':
      return node.items.map(plainValue)
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, plainValue(value)]))
  }
}
