import type { DataSelection } from '../matching/event.ts'
import type { ColumnCheck } from './columns.ts'
import { text, words, wrong } from './fields.ts'
import type { Field } from './fields.ts'
import { ROW_AND_CONFIG, template } from './templates.ts'
import type { YamlMap } from './yaml-node.ts'

/**
 * Reads `data`: a list of columns, `{exclude: [columns]}`, or a mapping of keys to templates.
 *
 * A mapping with `exclude` alone excludes; a template may be called so only beside others.
 */
export function dataSelection(field: Field, check: ColumnCheck): DataSelection | null {
  if (field.node.kind !== 'map') {
    const columns = columnList(field, check)
    return columns === null ? null : { kind: 'only', columns }
  }
  const [first, ...others] = field.node.entries
  if (first?.key === 'exclude' && others.length === 0) {
    const exclude = { ...field, key: 'data.exclude', node: first.value }
    const columns = columnList(exclude, check)
    return columns === null ? null : { kind: 'except', columns }
  }
  return templates(field, field.node, check)
}

/** The columns that a list names, each of them checked. */
function columnList(field: Field, check: ColumnCheck): string[] | null {
  const found = words(field, 'a list of columns')
  for (const { text, at } of found ?? []) reportColumn(field, text, at, check)
  return found?.map(({ text }) => text) ?? null
}

/** The one column that a field names. */
export function columnName(field: Field, check: ColumnCheck): string | null {
  const name = text(field)
  if (name !== null) reportColumn(field, name, field.node.at, check)
  return name
}

function reportColumn(field: Field, name: string, at: number, check: ColumnCheck): void {
  const problem = check(name)
  if (problem !== null) field.problems.report(at, `"${field.key}" in ${field.where}: ${problem}`)
}

function templates(field: Field, map: YamlMap, check: ColumnCheck): DataSelection | null {
  if (map.entries.length === 0) return wrong(field, 'a list of columns, {exclude: [columns]} or {key: template}')
  const fields = map.entries.flatMap(({ key, at, value }) => {
    const parsed = template({ ...field, key: `data.${key}`, at, node: value }, { check, allow: ROW_AND_CONFIG })
    return parsed === null ? [] : { key, template: parsed }
  })
  return { kind: 'templates', fields }
}
