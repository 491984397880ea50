import { faulty, sound } from './checked.ts'
import type { Checked } from './checked.ts'
import { parseSegments } from './field.ts'

/** A parsed template: literal text and references, `{column}`, `{new.column}`, `{old.column}`, `{config.key}`. */
export interface Template {
  readonly source: string
  readonly parts: readonly TemplatePart[]
}

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  /** `row`: the new row, or the old one for a delete. `path` walks into a json(b) column. */
  | TemplateReference

export interface TemplateReference {
  readonly kind: 'value'
  readonly from: TemplateSource
  readonly path: readonly string[]
}

export type TemplateSource = 'row' | 'new' | 'old' | 'config'

/**
 * Parses a template in which the given sources may be referred to.
 *
 * `{{` and `}}` stand for braces. In `{new.x}`, `{old.x}` and `{config.x}` the first word is the source; a column of
 * such a name that is followed by a key is quoted: `{"new".key}`. Names are otherwise written as in a condition.
 */
export function parseTemplate(source: string, { allow }: { allow: readonly TemplateSource[] }): Checked<Template> {
  const parts: TemplatePart[] = []
  let text = ''
  for (const [token] of source.matchAll(TOKEN)) {
    if (token === '{{' || token === '}}') text += token[0]
    else if (token === '{' || token === '}') return faulty(loneBrace(source, token))
    else if (token.startsWith('{')) {
      const reference = parseReference(token.slice(1, -1), allow)
      if (reference.problem !== null) return reference
      if (text !== '') parts.push({ kind: 'text', text })
      text = ''
      parts.push(reference.value)
    } else text += token
  }
  if (text !== '') parts.push({ kind: 'text', text })
  return sound({ source, parts })
}

const TOKEN = /\{\{|\}\}|\{(?:"[^"]*"|[^{}"])*\}|[{}]|[^{}]+/g

const EXAMPLES = { row: '{column}', new: '{new.column}', old: '{old.column}', config: '{config.key}' } as const

const SOURCES: readonly string[] = ['new', 'old', 'config'] satisfies TemplateSource[]

function parseReference(inner: string, allow: readonly TemplateSource[]): Checked<TemplateReference> {
  const segments = parseSegments(inner)
  if (segments.length === 0) return faulty(`"{${inner}}" is no reference; write {column}, {new.column} or {old.column}`)
  // The raw text decides, so that a quoted name is always a column.
  const source = SOURCES.find((word) => inner.startsWith(`${word}.`)) as TemplateSource | undefined
  const from = source ?? 'row'
  if (!allow.includes(from))
    return faulty(`"{${inner}}" cannot be used here; write ${allow.map((at) => EXAMPLES[at]).join(' or ')}`)
  return sound({ kind: 'value', from, path: source === undefined ? segments : segments.slice(1) })
}

function loneBrace(source: string, brace: string): string {
  return `${JSON.stringify(source)} has a lone "${brace}"; write {column} for a value, "${brace}${brace}" for a brace`
}
