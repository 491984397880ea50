import type { Template, TemplatePart } from '../matching/template.ts'
import { JsonObject, type JsonValue, parseJson, stringifyJson } from '../values/json.ts'
import { UnmappableValue } from '../values/unmappable.ts'
import { PayloadError } from './facts.ts'

/** Where a template's values come from. */
export interface TemplateValues {
  /** A column's value as JSON text. Throws `PayloadError` where it is missing or unknown. */
  column(from: 'row' | 'new' | 'old', name: string): string
  readonly config: Readonly<Record<string, unknown>> | null
}

type Reference = Extract<TemplatePart, { kind: 'value' }>

/** Renders a URL: values are percent-encoded, the template's own text is not. */
export function renderUrl(template: Template, values: TemplateValues): string {
  return render(template, values, encodeURIComponent)
}

/** Renders plain text. As everywhere, a missing or NULL value is an error, never an empty string. */
export function renderText(template: Template, values: TemplateValues): string {
  return render(template, values, String)
}

/** Renders JSON text: a lone reference keeps its type, `{total}` -> `12.50`; anything else becomes a string. */
export function renderJson(template: Template, values: TemplateValues): string {
  const [first, ...rest] = template.parts
  if (first?.kind === 'value' && rest.length === 0) return jsonOf(first, values)
  return JSON.stringify(renderText(template, values))
}

/** Runs `render`; JSON that cannot be read on the way becomes a `PayloadError`. */
export function renderSafely<T>(render: () => T): T {
  try {
    return render()
  } catch (error) {
    if (!(error instanceof UnmappableValue)) throw error
    throw new PayloadError('unreadable_value', `a JSON value ${error.message}`)
  }
}

/** Whether a template refers to the row, or to the subscriber's config. */
export function refersTo(template: Template, what: 'row' | 'config'): boolean {
  return template.parts.some((part) => part.kind === 'value' && (part.from === 'config') === (what === 'config'))
}

/** The columns that a template refers to. */
export function columnsOf(template: Template): string[] {
  return template.parts.flatMap((part) => (part.kind === 'value' && part.from !== 'config' ? (part.path[0] ?? []) : []))
}

function render(template: Template, values: TemplateValues, encode: (text: string) => string): string {
  let text = ''
  for (const part of template.parts) {
    text += part.kind === 'text' ? part.text : encode(textOf(jsonOf(part, values), part))
  }
  return text
}

function jsonOf(reference: Reference, values: TemplateValues): string {
  const [head = '', ...path] = reference.path
  if (reference.from === 'config') return configJson(reference, values.config)
  const json = values.column(reference.from, head)
  return path.length === 0 ? json : stringifyJson(walk(reference, parseJson(json), path))
}

function textOf(json: string, reference: Reference): string {
  if (json === 'null') throw new PayloadError('null_value', `"${nameOf(reference)}" is NULL and a template needs it`)
  if (!json.startsWith('"')) return json
  return json.includes('\\') ? (JSON.parse(json) as string).toWellFormed() : json.slice(1, -1)
}

function configJson(reference: Reference, config: TemplateValues['config']): string {
  const json = config === null ? undefined : JSON.stringify(config)
  return stringifyJson(walk(reference, json === undefined ? null : parseJson(json), reference.path))
}

function walk(reference: Reference, root: JsonValue, path: readonly string[]): JsonValue {
  let value: JsonValue | undefined = root
  for (const step of path) {
    if (value instanceof JsonObject) value = value.get(step)
    else if (isList(value)) value = /^\d+$/.test(step) ? value[Number(step)] : undefined
    else value = undefined
  }
  if (value !== undefined) return value
  const where = reference.from === 'config' ? `the subscriber's config` : `column "${reference.path[0]}"`
  throw new PayloadError('bad_template', `${where} has no "${path.join('.')}" and a template needs it`)
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function nameOf({ from, path }: Reference): string {
  return from === 'row' ? path.join('.') : `${from}.${path.join('.')}`
}
