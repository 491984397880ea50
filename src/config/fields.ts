import { suggest } from '../matching/pattern.ts'
import { DURATION_EXAMPLES, formatDuration, parseDuration } from './duration.ts'
import type { Problems } from './problems.ts'
import { SIZE_EXAMPLES, formatSize, parseSize } from './size.ts'
import { describeNode } from './yaml-node.ts'
import type { YamlMap, YamlNode } from './yaml-node.ts'

/**
 * One `key: value` of the file, being read.
 *
 * The functions below return its value, or null after reporting what is wrong with it. A value that is empty was
 * reported by `fieldsOf`.
 */
export interface Field {
  readonly key: string
  /** Offset of the key. */
  readonly at: number
  readonly node: YamlNode
  /** `event "article.created"` */
  readonly where: string
  readonly problems: Problems
}

export interface Reading {
  /** What the mapping belongs to, for messages: `event "article.created"`. */
  readonly where: string
  readonly keys: readonly string[]
  /** Keys that may be empty, which takes an inherited value back. */
  readonly nullable?: readonly string[]
  readonly problems: Problems
}

const FILL = 'give it a value or remove it'

/** The fields of a mapping by key; reports unknown and empty ones. */
export function fieldsOf(map: YamlMap, { where, keys, nullable = [], problems }: Reading): Map<string, Field> {
  const fields = new Map<string, Field>()
  for (const { key, at, value } of map.entries) {
    if (key === '<<')
      problems.report(at, `YAML merge keys ("<<") are not supported; put what events share under "tables"`)
    else if (!keys.includes(key)) problems.report(at, `unknown key "${key}" in ${where}; ${suggest(key, keys)}`)
    else if (value.kind === 'null' && !nullable.includes(key))
      problems.report(at, `"${key}" in ${where} is empty; ${FILL}`)
    else fields.set(key, { key, at, node: value, where, problems })
  }
  return fields
}

/** Reads one of the fields; null where it is absent or empty. */
export function read<T>(fields: ReadonlyMap<string, Field>, key: string, reader: (field: Field) => T | null): T | null {
  const field = fields.get(key)
  return field === undefined || field.node.kind === 'null' ? null : reader(field)
}

/** Reports that a value is not what it must be: `"timeout" in event "x" must be a duration, not a list`. */
export function wrong(field: Field, expected: string, node = field.node): null {
  if (node.kind === 'null') return null
  field.problems.report(node.at, `"${field.key}" in ${field.where} must be ${expected}, not ${describeNode(node)}`)
  return null
}

export function mapping(field: Field): YamlMap | null {
  return field.node.kind === 'map' ? field.node : wrong(field, 'a mapping')
}

export function text(field: Field): string | null {
  if (field.node.kind !== 'text') return wrong(field, 'text (in quotes if need be)')
  if (field.node.text.trim() !== '') return field.node.text
  field.problems.report(field.node.at, `"${field.key}" in ${field.where} is empty; ${FILL}`)
  return null
}

export function flag(field: Field): boolean | null {
  return field.node.kind === 'boolean' ? field.node.value : wrong(field, 'true or false')
}

export function choice<const T extends string>(field: Field, values: readonly T[], node = field.node): T | null {
  const found = node.kind === 'text' ? values.find((value) => value === node.text) : undefined
  if (found !== undefined) return found
  if (node.kind !== 'text') return wrong(field, `one of ${values.join(', ')}`, node)
  const { problems, key, where } = field
  problems.report(node.at, `"${key}" in ${where} cannot be "${node.text}"; ${suggest(node.text, values)}`)
  return null
}

/** Milliseconds. */
export function duration(field: Field, { minMs, maxMs }: { minMs: number; maxMs: number }): number | null {
  const { node, problems } = field
  if (node.kind === 'null') return null
  const what = `"${field.key}" in ${field.where}`
  const value = node.kind === 'text' ? parseDuration(node.text) : null
  if (value === null) {
    const unit = node.kind === 'number' ? `; a number needs a unit: ${node.decimal}s` : ''
    problems.report(node.at, `${what} must be a duration such as ${DURATION_EXAMPLES}${unit}`)
    return null
  }
  if (value >= minMs && value <= maxMs) return value
  problems.report(node.at, `${what} must lie between ${formatDuration(minMs)} and ${formatDuration(maxMs)}`)
  return null
}

/** Bytes. */
export function size(field: Field, { min, max }: { min: number; max: number }): number | null {
  const { node, problems } = field
  if (node.kind === 'null') return null
  const source = node.kind === 'text' ? node.text : node.kind === 'number' ? node.decimal : ''
  const value = parseSize(source)
  if (value !== null && value >= min && value <= max) return value
  const what = `"${field.key}" in ${field.where}`
  problems.report(
    node.at,
    `${what} must be a size such as ${SIZE_EXAMPLES}, from ${formatSize(min)} to ${formatSize(max)}`,
  )
  return null
}

/** The items of a list; anything but a list is wrong. */
export function list(field: Field, expected: string): readonly YamlNode[] | null {
  return field.node.kind === 'list' ? field.node.items : wrong(field, expected)
}

/** The words of a list without repetitions, each with its place; one word stands for a list of one. */
export function words(field: Field, expected: string): { readonly text: string; readonly at: number }[] | null {
  const { node, problems, key, where } = field
  const items = node.kind === 'text' ? [node] : list(field, expected)
  if (items === null) return null
  const found = new Map<string, { text: string; at: number }>()
  for (const item of items) {
    if (item.kind !== 'text') problems.report(item.at, `"${key}" in ${where} must hold text, not ${describeNode(item)}`)
    else if (found.has(item.text)) problems.report(item.at, `"${item.text}" appears twice in "${key}" in ${where}`)
    else found.set(item.text, { text: item.text, at: item.at })
  }
  return [...found.values()]
}

/** The words of a list, each of them one of a few. */
export function choices<const T extends string>(field: Field, values: readonly T[]): T[] | null {
  const found = words(field, `${values.join(', ')}, or a list of them`)
  return found?.flatMap(({ text, at }) => choice(field, values, { kind: 'text', text, at, end: at }) ?? []) ?? null
}
