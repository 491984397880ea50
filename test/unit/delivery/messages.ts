import type { BodyTarget, EmittedFacts, MessageFacts } from '../../../src/delivery/facts.ts'
import { Payloads } from '../../../src/delivery/payload.ts'
import type { EventDefinition } from '../../../src/matching/event.ts'
import { type Template, parseTemplate } from '../../../src/matching/template.ts'
import type { Cell, Relation, RowChange, RowImage, TruncateChange } from '../../../src/replication/change.ts'
import { jsonConverter } from '../../../src/values/to-json.ts'

const OIDS: Readonly<Record<string, number>> = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int4: 23,
  text: 25,
  json: 114,
  date: 1082,
  time: 1083,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
  'int4[]': 1007,
}

/** `aRelation('public.article', 'id int4, title text')`; the key is the first column, or the one named. */
export function aRelation(name: string, columns: string, key: readonly string[] | null = null): Relation {
  const [schema = '', table = ''] = name.split('.')
  const list = columns.split(', ').map((column) => {
    const [columnName = '', type = ''] = column.split(' ')
    return { name: columnName, typeOid: OIDS[type] ?? 0 }
  })
  const index = new Map(list.map((column, at) => [column.name, at]))
  return {
    name,
    schema,
    table,
    columns: list,
    index,
    key: key === null ? [0] : key.map((column) => index.get(column)!),
  }
}

const ARTICLE = aRelation('public.article', 'id int4, title text, state text, author_id int4')

/** A row by column; a column that is left out is unknown. */
function aRow(relation: Relation, values: Readonly<Record<string, Cell>>): RowImage {
  return { relation, cells: relation.columns.map(({ name }) => values[name]) }
}

const TRANSACTION = { xid: 7421, commitLsn: 0x1a2b400n, committedAt: '2026-01-13T23:12:52.205785Z' }
const PLACE = { transaction: TRANSACTION, lsn: '0/1A2B3C8', ordinal: 0 }

interface Images {
  readonly relation?: Relation
  readonly old?: Readonly<Record<string, Cell>>
  readonly new?: Readonly<Record<string, Cell>>
}

/** A change of the row images given: both make an update, one an insert or a delete. */
export function aChange({ relation = ARTICLE, old, new: row }: Images, op?: RowChange['op']): RowChange {
  return {
    kind: 'row',
    op: op ?? (old === undefined ? 'insert' : row === undefined ? 'delete' : 'update'),
    ...PLACE,
    relation,
    old: old === undefined ? null : aRow(relation, old),
    oldComplete: old !== undefined && relation.columns.every(({ name }) => old[name] !== undefined),
    new: row === undefined ? null : aRow(relation, row),
  }
}

export function aTruncate(relation = ARTICLE): TruncateChange {
  return { kind: 'truncate', op: 'truncate', ...PLACE, relation }
}

/** `aTemplate('http://ex/{id}/{old.meta.kind}')` */
export function aTemplate(source: string): Template {
  const { value, problem } = parseTemplate(source, { allow: ['row', 'new', 'old', 'config'] })
  if (problem !== null) throw new Error(problem)
  return value
}

export function anEvent(overrides: Partial<EventDefinition> = {}): EventDefinition {
  return {
    declaredName: 'article.published',
    name: null,
    table: 'public.article',
    operations: new Set(['insert', 'update', 'delete']),
    manual: false,
    enabled: true,
    predicate: null,
    skipNoop: false,
    owner: null,
    broadcast: false,
    data: { kind: 'all' },
    ref: null,
    sender: null,
    includeOld: false,
    includeChanged: false,
    headers: [],
    requestData: [],
    envelope: null,
    subscribers: [],
    timeoutMs: null,
    retry: null,
    recipients: { schemes: ['https'], ports: [443], blockInternal: true, allowCidrs: [], blockCidrs: [] },
    keepAlive: true,
    description: null,
    label: null,
    ...overrides,
  }
}

export function aTarget(overrides: Partial<BodyTarget> = {}): BodyTarget {
  return {
    envelope: 'hookd',
    contentType: 'application/json',
    config: null,
    subscriberId: '0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11',
    url: 'https://example.com/hook',
    ...overrides,
  }
}

const INT_ARRAY = { kind: 'array', oid: 1007, name: '_int4', element: 23, delimiter: ',' } as const

export const PAYLOADS = new Payloads(jsonConverter((oid) => (oid === INT_ARRAY.oid ? INT_ARRAY : undefined)))

export function factsOf(event: Partial<EventDefinition>, change: MessageFacts['change']): MessageFacts {
  return {
    id: 'msg_1',
    name: event.declaredName ?? 'article.published',
    definition: anEvent(event),
    change,
    emitted: null,
  }
}

/** The body of one message as text. */
export function bodyOf(
  event: Partial<EventDefinition>,
  change: MessageFacts['change'],
  target: Partial<BodyTarget> = {},
): string {
  return PAYLOADS.message(factsOf(event, change)).body(aTarget(target)).toString()
}

/** The facts of a message of `hookd.emit`. */
export function emittedFacts(event: Partial<EventDefinition>, emitted: Partial<EmittedFacts> = {}): MessageFacts {
  const change = { kind: 'emitted', ...PLACE, content: '' } as const
  const facts = { data: '{}', ref: null, sender: null, ...emitted }
  return { ...factsOf({ manual: true, table: null, ...event }, change), emitted: facts }
}
