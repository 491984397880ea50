/** A value of the file and its place: `at` is the offset of its first character, `end` the one just past it. */
export type YamlNode = YamlMap | YamlList | YamlScalar

interface Placed {
  readonly at: number
  readonly end: number
}

export interface YamlMap extends Placed {
  readonly kind: 'map'
  readonly entries: readonly YamlEntry[]
}

export interface YamlEntry {
  readonly key: string
  readonly at: number
  readonly value: YamlNode
}

export interface YamlList extends Placed {
  readonly kind: 'list'
  readonly items: readonly YamlNode[]
}

export type YamlScalar =
  | (Placed & { readonly kind: 'text'; readonly text: string })
  /** Every digit that was written, in the grammar of JSON numbers: `1000.10`; also `Infinity`, `-Infinity`, `NaN`. */
  | (Placed & { readonly kind: 'number'; readonly decimal: string })
  | (Placed & { readonly kind: 'boolean'; readonly value: boolean })
  | (Placed & { readonly kind: 'null' })

/** For messages: `a list`, `text`. */
export function describeNode(node: YamlNode): string {
  if (node.kind === 'map') return 'a mapping'
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'boolean') return node.value ? 'true' : 'false'
  if (node.kind === 'number') return 'a number'
  return node.kind === 'null' ? 'an empty value' : 'text'
}

/**
 * The offset of the value at the end of a path of keys and indexes, or of the key that leads to it where there is one.
 * Stops at the last step that exists.
 */
export function locate(node: YamlNode, path: readonly (string | number)[]): number {
  let current = node
  let at = node.at
  for (const step of path) {
    if (current.kind === 'map') {
      const entry = current.entries.find(({ key }) => key === String(step))
      if (entry === undefined) return at
      current = entry.value
      at = entry.at
    } else if (current.kind === 'list') {
      const item = current.items[Number(step)]
      if (item === undefined) return at
      current = item
      at = item.at
    } else return at
  }
  return at
}
