import type { DataSelection } from '../matching/event.ts'
import type { CatalogTable } from '../postgres/catalog.ts'
import { columnProblem } from './columns.ts'
import { text, words, wrong } from './fields.ts'
import type { Field } from './fields.ts'
import { template } from './templates.ts'
import type { YamlMap } from './yaml-node.ts'

/**
 * Reads `data`: a list of columns, `{exclude: [columns]}`, or a mapping of keys to templates.
 *
 * A mapping with `exclude` alone excludes; a template may be called so only beside others.
 */
export function dataSelection(field: Field, table: CatalogTable | null): DataSelection | null {
  if (field.node.kind !== 'map') {
    const columns = columnList(field, table)
    return columns === null ? null : { kind: 'only', columns }
  }
  const [first, ...others] = field.node.entries
  if (first?.key === 'exclude' && others.length === 0) {
    const exclude = { ...field, key: 'data.exclude', node: first.value }
    const columns = columnList(exclude, table)
    return columns === null ? null : { kind: 'except', columns }
  }
  return templates(field, field.node, table)
}

/** The columns that a list names, each of them checked. */
export function columnList(field: Field, table: CatalogTable | null): string[] | null {
  const found = words(field, 'a list of columns')
  for (const { text, at } of found ?? []) reportColumn(field, text, at, table)
  return found?.map(({ text }) => text) ?? null
}

/** The one column that a field names. */
export function columnName(field: Field, table: CatalogTable | null): string | null {
  const name = text(field)
  if (name !== null) reportColumn(field, name, field.node.at, table)
  return name
}

function reportColumn(field: Field, name: string, at: number, table: CatalogTable | null): void {
  const problem = columnProblem(name, table)
  if (problem !== null) field.problems.report(at, `"${field.key}" in ${field.where}: ${problem}`)
}

function templates(field: Field, map: YamlMap, table: CatalogTable | null): DataSelection | null {
  if (map.entries.length === 0) return wrong(field, 'a list of columns, {exclude: [columns]} or {key: template}')
  const fields = map.entries.flatMap(({ key, at, value }) => {
    const parsed = template({ ...field, key: `data.${key}`, at, node: value }, table)
    return parsed === null ? [] : { key, template: parsed }
  })
  return { kind: 'templates', fields }
}
