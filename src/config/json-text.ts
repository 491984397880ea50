import type { YamlNode } from './yaml-node.ts'

/** A value of the file as compact JSON text, with every digit of its numbers. Infinity and NaN have none: null. */
export function jsonText(node: YamlNode): string | null {
  switch (node.kind) {
    case 'null':
      return 'null'
    case 'boolean':
      return String(node.value)
    case 'text':
      return JSON.stringify(node.text)
    case 'number':
      return /\d/.test(node.decimal) ? node.decimal : null
    case 'list':
      return join(node.items.map(jsonText), '[]')
    case 'map':
      return join(
        node.entries.map(({ key, value }) => {
          const json = jsonText(value)
          return json === null ? null : `${JSON.stringify(key)}:${json}`
        }),
        '{}',
      )
  }
}

function join(parts: readonly (string | null)[], brackets: string): string | null {
  return parts.includes(null) ? null : `${brackets[0]}${parts.join(',')}${brackets[1]}`
}
