import { parseTemplate } from '../matching/template.ts'
import type { Template, TemplateSource } from '../matching/template.ts'
import type { ColumnCheck } from './columns.ts'
import { text, wrong } from './fields.ts'
import type { Field } from './fields.ts'

/** What a template may refer to: a subscriber's config only in bodies, which alone are made for each subscriber. */
export const ROW: readonly TemplateSource[] = ['row', 'new', 'old']
export const ROW_AND_CONFIG: readonly TemplateSource[] = [...ROW, 'config']

export interface TemplateRules {
  readonly check: ColumnCheck
  readonly allow: readonly TemplateSource[]
  /** The template may hold a token, so that no message repeats it. */
  readonly secret?: boolean
}

const SECRET_FAULT = 'a reference is malformed or of no use here; write {column} for a value, "{{" for a brace'

/** Reads a template and checks the columns that it names. */
export function template(field: Field, { check, allow, secret = false }: TemplateRules): Template | null {
  const { node, problems, key, where } = field
  if (node.kind === 'map') {
    // `ref: {id}` without quotes is a mapping to YAML.
    const braces = node.entries.some(({ value }) => value.kind === 'null')
    if (!braces) return wrong(field, 'a template in quotes')
    problems.report(node.at, `"${key}" in ${where}: a value that starts with "{" needs quotes: "{column}"`)
    return null
  }
  const source = text(field)
  if (source === null) return null
  const { value, problem } = parseTemplate(source, { allow })
  if (problem !== null) problems.report(node.at, `"${key}" in ${where}: ${secret ? SECRET_FAULT : problem}`)
  for (const part of value?.parts ?? []) {
    if (part.kind === 'text' || part.from === 'config') continue
    const [column = '', ...path] = part.path
    const columnProblem = check(column, path)
    if (columnProblem !== null) problems.report(node.at, `"${key}" in ${where}: ${columnProblem}`)
  }
  return value
}
