import type { ColumnCheck } from './columns.ts'
import { headerProblem } from '../delivery/headers.ts'
import type { Template } from '../matching/template.ts'
import { mapping } from './fields.ts'
import type { Field } from './fields.ts'
import { ROW, template } from './templates.ts'

/** By name in lower case, because that is how HTTP tells headers apart. */
export type EventHeaders = ReadonlyMap<string, { readonly name: string; readonly template: Template }>

/** Reads `headers`, a mapping of names to templates. Its lines are kept out of every excerpt: they may hold tokens. */
export function readHeaders(field: Field, check: ColumnCheck): EventHeaders | null {
  const { problems, node, where } = field
  problems.hide(field.at, field.at)
  problems.hide(node.at, node.end)
  const map = mapping(field)
  if (map === null) return null
  const headers = new Map<string, { name: string; template: Template }>()
  for (const { key: name, at, value } of map.entries) {
    const parsed = template({ ...field, key: `headers.${name}`, at, node: value }, { check, allow: ROW, secret: true })
    const fixed = parsed?.parts.map((part) => (part.kind === 'text' ? part.text : 'x')).join('') ?? 'x'
    const problem = headerProblem(name, fixed)
    if (problem !== null) problems.report(at, `"headers" in ${where}: ${problem}`)
    if (headers.has(name.toLowerCase())) problems.report(at, `"headers" in ${where}: "${name}" appears twice`)
    if (parsed !== null) headers.set(name.toLowerCase(), { name, template: parsed })
  }
  return headers
}
