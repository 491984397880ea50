import type { EventDefinition, RecipientPolicy, RetryPolicy } from '../matching/event.ts'
import type { Template } from '../matching/template.ts'
import type { Catalog } from '../postgres/catalog.ts'
import { columnCheck } from './columns.ts'
import type { ColumnCheck } from './columns.ts'
import { NO_CONDITION, eventCondition } from './event-condition.ts'
import type { EventCondition } from './event-condition.ts'
import { eventNameProblem, isNameTemplate } from './event-name.ts'
import { eventSource } from './event-source.ts'
import type { EventSource } from './event-source.ts'
import { fieldsOf, flag, read, text } from './fields.ts'
import type { Field } from './fields.ts'
import { largeValueWarning } from './large-values.ts'
import type { Problems } from './problems.ts'
import { partialSupplies, shortages } from './row-needs.ts'
import { SETTING_KEYS, mergeSettings, readSettings, withoutRow } from './settings.ts'
import type { Settings } from './settings.ts'
import { staticSubscribers, urlProblem } from './static-subscribers.ts'
import { ROW, template } from './templates.ts'
import { describeNode } from './yaml-node.ts'
import type { YamlEntry } from './yaml-node.ts'

/** What the events of a file share. */
export interface EventContext {
  readonly catalog: Catalog | null
  /** The entries under `tables`, by unquoted `schema.table`. */
  readonly tables: ReadonlyMap<string, Partial<Settings>>
  readonly defaultRetry: RetryPolicy
  readonly recipients: RecipientPolicy
  readonly problems: Problems
}

/** An event as declared: its name, where that stands, and its fields. */
interface Declaration {
  readonly name: string
  readonly at: number
  /** `event "article.created"` */
  readonly where: string
  readonly fields: ReadonlyMap<string, Field>
  readonly problems: Problems
}

interface Parts {
  readonly source: EventSource
  readonly settings: Settings
  readonly name: Template | null
  readonly condition: EventCondition
  readonly recipients: RecipientPolicy
}

const OWN_KEYS = ['table', 'on', 'when', 'changed', 'name', 'manual', 'enabled', 'description', 'label']
const EVENT_KEYS = [...OWN_KEYS, ...SETTING_KEYS]

/** Reads one event and reports everything wrong with it; null where nothing can be made of it. */
export function readEvent({ key: name, at, value }: YamlEntry, context: EventContext): EventDefinition | null {
  const { problems } = context
  const where = `event "${name}"`
  const nameProblem = eventNameProblem(name)
  if (nameProblem !== null) problems.report(at, nameProblem)
  if (value.kind !== 'map') {
    const state = value.kind === 'null' ? 'is empty' : `is ${describeNode(value)}`
    problems.report(at, `${where} ${state}; write a mapping such as {table: public.article, on: insert}`)
    return null
  }
  const fields = fieldsOf(value, { where, keys: EVENT_KEYS, nullable: SETTING_KEYS, problems })
  const declaration = { name, at, where, fields, problems }
  const given = new Set(value.entries.map((entry) => entry.key))
  const source = eventSource(fields, { where, at, given, catalog: context.catalog, problems })
  const parts = readParts(declaration, source, context)
  reportSupply(declaration, parts)
  reportUrls(declaration, parts)
  return definition(declaration, parts)
}

function readParts(declaration: Declaration, source: EventSource, context: EventContext): Parts {
  const { fields } = declaration
  const { catalog } = context
  const table = source.table?.catalog ?? null
  const check = columnCheck(table, catalog)
  const ofTable = context.tables.get(source.table?.name ?? '') ?? {}
  const inherited = source.operations.has('truncate') ? withoutRow(ofTable) : ofTable
  const own = readSettings(fields, { check, inheritedRetry: inherited.retry ?? context.defaultRetry })
  const settings = mergeSettings(inherited, own)
  const types = (oid: number) => catalog?.types.get(oid)
  const { operations, manual } = source
  const oldRows = source.oldRows ?? { columns: null, fix: '' }
  const isAboutRows = !manual && !operations.has('truncate')
  return {
    source,
    settings,
    name: readName(declaration, check),
    condition: isAboutRows
      ? eventCondition(fields, { table, types, operations, allowOld: true, oldRows })
      : NO_CONDITION,
    recipients: { ...context.recipients, ...settings.recipients },
  }
}

/** The template of the name sent: `name`, or the declared name where that holds one. */
function readName({ name, at, where, fields, problems }: Declaration, check: ColumnCheck): Template | null {
  const field = fields.get('name')
  const isTemplate = isNameTemplate(name)
  if (field === undefined) {
    if (!isTemplate) return null
    return template(
      { key: 'name', at, node: { kind: 'text', text: name, at, end: at }, where, problems },
      { check, allow: ROW },
    )
  }
  if (isTemplate) problems.report(field.at, `${where} has a template as its name already; remove "name"`)
  const parsed = template(field, { check, allow: ROW })
  const problem = parsed === null ? null : eventNameProblem(parsed.source)
  if (problem !== null) problems.report(field.node.at, `"name" in ${where}: ${problem}`)
  return parsed
}

function reportSupply(
  { fields, at, where, problems }: Declaration,
  { settings, name, source, condition }: Parts,
): void {
  const position = (key: string) => fields.get(key)?.at ?? at
  for (const { key, message } of shortages(settings, name, source)) {
    problems.report(position(key), `"${key}" in ${where}: ${message}`)
  }
  for (const { key, message } of partialSupplies(settings, source)) {
    problems.warn(position(key), `"${key}" in ${where}: ${message}`)
  }
  const large = largeValueWarning(condition.columns, source)
  if (large !== null) problems.warn(position('when'), `"when" in ${where}: ${large}`)
  if (fields.has('owner') && fields.has('broadcast') && settings.owner !== null && settings.broadcast) {
    problems.report(position('owner'), `"owner" in ${where} has no effect beside "broadcast: true"; remove one of them`)
  }
  if (fields.has('skip_noop') && settings.skipNoop && !source.operations.has('update')) {
    problems.report(position('skip_noop'), `"skip_noop" in ${where} has no effect without updates; remove it`)
  }
}

function reportUrls({ where, problems }: Declaration, { settings, recipients }: Parts): void {
  for (const { url, at } of settings.endpoints) {
    const problem = urlProblem(url, recipients)
    if (problem !== null) problems.report(at, `the URL of a subscriber of ${where} ${problem}`)
  }
}

function definition({ name: declaredName, fields }: Declaration, parts: Parts): EventDefinition {
  const { source, settings, name, condition, recipients } = parts
  return {
    declaredName,
    name,
    table: source.table?.name ?? null,
    operations: source.operations,
    manual: source.manual,
    enabled: read(fields, 'enabled', flag) ?? true,
    predicate: condition.predicate,
    skipNoop: settings.skipNoop,
    owner: settings.owner,
    broadcast: settings.broadcast,
    data: settings.data,
    ref: settings.ref,
    sender: settings.sender,
    includeOld: settings.include.includes('old'),
    includeChanged: settings.include.includes('changed'),
    headers: [...settings.headers.values()],
    requestData: [...settings.requestData].map(([key, json]) => ({ key, json })),
    envelope: settings.envelope,
    subscribers: staticSubscribers(declaredName, settings.endpoints),
    timeoutMs: settings.timeoutMs,
    retry: settings.retry,
    recipients,
    keepAlive: settings.keepAlive,
    description: read(fields, 'description', text),
    label: read(fields, 'label', text),
  }
}
