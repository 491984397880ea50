import type { Operation } from '../replication/change.ts'
import type { DataSelection, EventDefinition } from '../matching/event.ts'
import type { PrintedColumn, PrintedTable } from './columns.ts'
import { PayloadError } from './facts.ts'
import { columnsOf, refersTo } from './rendering.ts'

/** What can be prepared once for an event. */
export interface EventPlan {
  readonly quotedName: string
  /** Whether bodies differ between subscribers with different configs. */
  readonly usesConfig: boolean
  /** `,"agent":"AGENT"`: request_data without the keys of the envelopes it is meant for. */
  readonly extras: Readonly<Record<keyof typeof OWN_KEYS, string>>
}

/** What can be prepared once for an event and a table of one shape. */
export interface TablePlan {
  readonly table: PrintedTable
  /** What the event lets subscribers see: the columns of `data`, of `old` and, by default, of `changed`. */
  readonly selected: readonly PrintedColumn[]
  /** Why the selection cannot be printed; null where it can. */
  readonly problem: PayloadError | null
  /** Whether the flat envelope has to sort out keys that meet. */
  readonly flatCollides: boolean
  /** `","op":"update","table":"public.article","key":` */
  readonly metaHead: Readonly<Record<Operation, string>>
}

/** Keys that request_data cannot replace. */
const OWN_KEYS = {
  hookd: ['event', 'ref', 'sender', 'data', 'meta', 'old'],
  thorn: ['event', 'ref', 'sender', 'data'],
  resthooks: ['hook', 'data'],
  flat: ['created'],
  standard: ['type', 'timestamp', 'data'],
} as const

export function planEvent(definition: EventDefinition): EventPlan {
  const extras = (own: readonly string[]) =>
    definition.requestData
      .filter(({ key }) => !own.includes(key))
      .map(({ key, json }) => `,${JSON.stringify(key)}:${json}`)
      .join('')
  return {
    quotedName: JSON.stringify(definition.declaredName),
    usesConfig: usesConfig(definition),
    extras: {
      hookd: extras(OWN_KEYS.hookd),
      thorn: extras(OWN_KEYS.thorn),
      resthooks: extras(OWN_KEYS.resthooks),
      flat: extras(OWN_KEYS.flat),
      standard: extras(OWN_KEYS.standard),
    },
  }
}

/** Whether an event's bodies depend on the subscriber's config. */
export function usesConfig({ data, ref }: EventDefinition): boolean {
  if (ref !== null && refersTo(ref, 'config')) return true
  return data.kind === 'templates' && data.fields.some(({ template }) => refersTo(template, 'config'))
}

export function planTable(definition: EventDefinition, table: PrintedTable): TablePlan {
  const { name, index } = table.relation
  const missing = missingColumn(definition.data, index)
  const selected = select(definition.data, table)
  const taken = new Set(['created', ...definition.requestData.map(({ key }) => key)])
  return {
    table,
    selected,
    problem:
      missing === undefined
        ? null
        : new PayloadError('missing_column', `column "${missing}" does not exist in ${name} (any more)`),
    flatCollides: dataKeys(definition.data, selected).some((key) => taken.has(key)),
    metaHead: {
      insert: metaHead('insert', name),
      update: metaHead('update', name),
      delete: metaHead('delete', name),
      truncate: metaHead('truncate', name),
    },
  }
}

function metaHead(op: Operation, table: string): string {
  return `","op":"${op}","table":${JSON.stringify(table)},"key":`
}

function missingColumn(data: DataSelection, index: ReadonlyMap<string, number>): string | undefined {
  return data.kind === 'only' ? data.columns.find((column) => !index.has(column)) : undefined
}

function select(data: DataSelection, { columns, relation }: PrintedTable): readonly PrintedColumn[] {
  const named = (names: readonly string[]) =>
    names.flatMap((name) => columns[relation.index.get(name) ?? columns.length] ?? [])
  switch (data.kind) {
    case 'all':
      return columns
    case 'only':
      return named(data.columns)
    case 'except':
      return columns.filter(({ name }) => !data.columns.includes(name))
    case 'templates':
      return named([...new Set(data.fields.flatMap(({ template }) => columnsOf(template)))])
  }
}

function dataKeys(data: DataSelection, selected: readonly PrintedColumn[]): string[] {
  return data.kind === 'templates' ? data.fields.map(({ key }) => key) : selected.map(({ name }) => name)
}
