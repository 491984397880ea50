import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/load.ts'
import type { EventDefinition } from '../../../src/matching/event.ts'
import type { Relation } from '../../../src/replication/change.ts'
import { CATALOG, aCatalog, aColumn, aTable } from './catalog.ts'
import { load, loadEvent } from './load-config.ts'

const DESIGN_SAMPLE = `
tables:                                   # optional defaults for every event of a table
  public.article:
    ref: "https://example.com/articles/{uuid}/"
    sender: author_id
    data: [uuid, title, state]            # default: all columns

events:
  article.created:   { table: public.article, on: insert }
  article.changed:   { table: public.article, on: update }
  article.removed:   { table: public.article, on: delete }
  article.published:
    table: public.article
    on: [insert, update]
    when: { state: { now_eq: PUBLISHED } }
  order.large:
    table: shop.order
    on: insert
    owner: account_id                     # who may receive it
    when:
      any:
        - total: { gte: 1000 }
        - all: [ { priority: high }, { not: { channel: test } } ]
  user.logged_in: { manual: true }        # sent with hookd.emit()

delivery: { timeout: 15s, retry: { schedule: [5s, 1m, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h] }, spill_after: 5s, delivery_log: failures }
recipients: { schemes: [http, https], ports: [80, 443], block_internal: true }
`

/** Whether an event fires for the insert of an order with this total. */
function firesFor(event: EventDefinition, total: string | null): boolean {
  const columns = [{ name: 'total', typeOid: 1700 }]
  const index = new Map([['total', 0]])
  const relation: Relation = { name: 'shop.order', schema: 'shop', table: 'order', columns, index, key: [] }
  const row = { relation, cells: [total] }
  return event.predicate?.({ op: 'insert', old: null, oldComplete: false, new: row }) ?? true
}

test('the sample of the design loads', () => {
  const config = load(DESIGN_SAMPLE)
  const names = ['article.created', 'article.changed', 'article.removed', 'article.published', 'order.large']
  expect(config.events.map(({ declaredName }) => declaredName)).toEqual([...names, 'user.logged_in'])
  expect(config.tables).toEqual(new Set(['public.article', 'shop.order']))
  expect(config.delivery).toEqual({
    timeoutMs: 15_000,
    retry: { scheduleMs: [5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map((s) => s * 1000) },
    spillAfterMs: 5000,
    deliveryLog: 'failures',
    maxPayloadBytes: 1_048_576,
    retentionMs: 604_800_000,
  })
  const [created, , , published, large, loggedIn] = config.events
  expect(created).toMatchObject({
    name: null,
    table: 'public.article',
    operations: new Set(['insert']),
    manual: false,
    enabled: true,
    predicate: null,
    ref: { source: 'https://example.com/articles/{uuid}/' },
    sender: 'author_id',
    data: { kind: 'only', columns: ['uuid', 'title', 'state'] },
    owner: null,
    timeoutMs: null,
    retry: null,
    keepAlive: true,
  })
  expect(published?.operations).toEqual(new Set(['insert', 'update']))
  expect(published?.predicate).toBeTypeOf('function')
  expect(large).toMatchObject({ table: 'shop.order', owner: 'account_id', ref: null, data: { kind: 'all' } })
  expect(loggedIn).toMatchObject({ manual: true, table: null, operations: new Set(), predicate: null })
})

test('what the sample says about sending is what holds without it', () => {
  const { delivery, recipients } = load(DESIGN_SAMPLE)
  const bare = load('events: { a.b: { manual: true } }')
  expect(bare.delivery).toEqual(delivery)
  expect(bare.recipients).toEqual(recipients)
  expect(recipients).toEqual({
    schemes: ['http', 'https'],
    ports: [80, 443],
    blockInternal: true,
    allowCidrs: [],
    blockCidrs: [],
  })
})

test('without a catalog everything is checked that needs none', () => {
  const text = DESIGN_SAMPLE.replace('on: delete', 'on: delet').replace('gte: 1000', 'gtee: 1000')
  const { config, problems } = parseConfig(text, 'hookd.yaml', { catalog: null })
  expect(config).toBeNull()
  expect(problems.map(({ message }) => message)).toEqual([
    '"on" in event "article.removed" cannot be "delet"; did you mean "delete"?',
    '"when" in event "order.large": unknown operator "gtee" on "total"; did you mean "gte"?',
  ])
  expect(parseConfig(DESIGN_SAMPLE, 'hookd.yaml', { catalog: null }).config?.events).toHaveLength(6)
})

describe('an event beats its table, which beats the global value:', () => {
  const TABLES = `tables:
  article:
    ref: "/table/{id}"
    sender: author_id
    timeout: 3s
    headers: { X-A: table, X-B: table }
    request_data: { a: table, b: table }
    recipients: { block_cidrs: [10.0.0.0/8], ports: [80] }
`
  test('what the event says', () => {
    const event = loadEvent('{ table: article, on: insert, ref: "/event/{id}", timeout: 1s }', TABLES)
    expect(event.ref?.source).toBe('/event/{id}')
    expect(event.sender).toBe('author_id')
    expect(event.timeoutMs).toBe(1000)
  })

  test('headers, request_data and recipients key by key', () => {
    const body = 'headers: { x-b: event }, request_data: { b: event }, recipients: { ports: any }'
    const event = loadEvent(`{ table: article, on: insert, ${body} }`, TABLES)
    expect(event.headers.map(({ name, template }) => [name, template.source])).toEqual([
      ['X-A', 'table'],
      ['x-b', 'event'],
    ])
    expect(event.requestData).toEqual([
      { key: 'a', json: '"table"' },
      { key: 'b', json: '"event"' },
    ])
    expect(event.recipients).toMatchObject({ ports: 'any', blockCidrs: ['10.0.0.0/8'], blockInternal: true })
  })

  test('an empty value of the event takes the value of its table back', () => {
    const body = 'ref:, sender: ~, timeout: null, headers: ~, recipients: ~'
    const event = loadEvent(`{ table: article, on: insert, ${body} }`, `${TABLES}recipients: { ports: any }`)
    expect(event).toMatchObject({ ref: null, sender: null, timeoutMs: null, headers: [] })
    expect(event.recipients).toMatchObject({ ports: 'any', blockCidrs: [] })
  })

  test('the entry of a table counts under either spelling of its name', () => {
    expect(loadEvent('{ table: public.article, on: insert }', 'tables: { article: { sender: id } }').sender).toBe('id')
    expect(loadEvent('{ table: article, on: insert }', 'tables: { public.article: { sender: id } }').sender).toBe('id')
    expect(loadEvent('{ table: note, on: insert }', 'tables: { article: { sender: id } }').sender).toBeNull()
  })

  test('a truncate inherits nothing that needs a row', () => {
    const event = loadEvent('{ table: article, on: truncate }', `${TABLES}    owner: author_id`)
    expect(event).toMatchObject({ ref: null, sender: null, timeoutMs: 3000, owner: 'author_id' })
    expect(event.headers).toHaveLength(2)
  })
})

test.each([
  ['false', []],
  ['{ max: 0 }', []],
  ['{ max: 1 }', [1000]],
  ['{ max: 4 }', [1000, 2000, 2000, 2000]],
  ['{ schedule: [5s, 1m] }', [5000, 60_000]],
  ['{ schedule: [5s, 1m], max: 3 }', [5000, 60_000, 60_000]],
  ['{ schedule: [5s, 1m], max: 1 }', [5000]],
  ['{ schedule: [0s] }', [0]],
])('retry: %s gives the delays %j', (retry, scheduleMs) => {
  const rest = 'delivery: { retry: { schedule: [1s, 2s] } }'
  expect(loadEvent(`{ table: article, on: insert, retry: ${retry} }`, rest).retry).toEqual({ scheduleMs })
})

test('a max counts on the schedule of the table before the global one, and on the default after retry: false', () => {
  const table = 'tables: { article: { retry: { schedule: [7s] } } }'
  expect(loadEvent('{ table: article, on: insert, retry: { max: 2 } }', table).retry).toEqual({
    scheduleMs: [7000, 7000],
  })
  const never = 'delivery: { retry: false }'
  expect(loadEvent('{ table: article, on: insert, retry: { max: 2 } }', never).retry).toEqual({
    scheduleMs: [5000, 60_000],
  })
})

test.each([
  ['{ gte: 1000.10 }', '1000.10', true],
  ['{ gte: 1000.10 }', '1000.09999999999999999999', false],
  ['123456789012345678901234567890', '123456789012345678901234567890', true],
  ['123456789012345678901234567890', '123456789012345678901234567891', false],
  ['{ lt: 1e-30 }', '0.0000000000000000000000000000009', true],
  ['{ lt: 1e-30 }', '0.0000000000000000000000000000011', false],
  ['{ eq: 0x1F }', '31', true],
  ['{ gt: +.5 }', '0.51', true],
  ['{ lt: .inf }', '99999', true],
  ['~', null, true],
  ['~', '0', false],
])('the number of a condition is exact: total: %s on %s is %s', (condition, total, expected) => {
  const event = loadEvent(`{ table: shop.order, on: insert, when: { total: ${condition} } }`)
  expect(firesFor(event, total)).toBe(expected)
})

test('when and changed must both hold', () => {
  const event = loadEvent('{ table: article, on: [insert, update], when: { total: { gt: 5 } }, changed: [total] }')
  expect(firesFor(event, '6')).toBe(true)
  expect(firesFor(event, '4')).toBe(false)
})

test('on is a key like any other, as in YAML 1.2, even under a directive of 1.1', () => {
  expect(loadEvent('{ table: article, on: insert }', '%YAML 1.1\n---').operations).toEqual(new Set(['insert']))
})

test('request_data is JSON with every digit', () => {
  const event = loadEvent(
    '{ manual: true, request_data: { n: 1.10, big: 12345678901234567890, l: [1, ~, {a: "é"}], t: true } }',
  )
  expect(event.requestData).toEqual([
    { key: 'n', json: '1.10' },
    { key: 'big', json: '12345678901234567890' },
    { key: 'l', json: '[1,null,{"a":"é"}]' },
    { key: 't', json: 'true' },
  ])
})

test.each([
  ['[id, title]', { kind: 'only', columns: ['id', 'title'] }],
  ['id', { kind: 'only', columns: ['id'] }],
  ['[]', { kind: 'only', columns: [] }],
  ['{ exclude: [state] }', { kind: 'except', columns: ['state'] }],
  ['~', { kind: 'all' }],
  ['{ name: "{title}" }', { kind: 'templates', fields: [{ key: 'name', template: { source: '{title}' } }] }],
])('data: %s is read', (data, selection) => {
  expect(loadEvent(`{ table: article, on: insert, data: ${data} }`).data).toMatchObject(selection)
})

test.each([
  ['article', 'public.article'],
  ['public.article', 'public.article'],
  ['"public.article"', 'public.article'],
  [`'"public"."article"'`, 'public.article'],
  [`'"odd.schema"."order ""items"""'`, 'odd.schema.order "items"'],
])('the table %s is %s', (written, name) => {
  expect(loadEvent(`{ table: ${written}, on: insert }`).table).toBe(name)
})

test('a declared name may be a template, and so may `name`', () => {
  const { events } = load(`events:
  created.{new.state}: { table: article, on: insert }
  moved: { table: article, on: update, name: "moved.{state}" }
`)
  expect(events.map(({ declaredName, name }) => [declaredName, name?.source])).toEqual([
    ['created.{new.state}', 'created.{new.state}'],
    ['moved', 'moved.{state}'],
  ])
})

test('a manual event may take values from what it is emitted with', () => {
  const body = 'ref: "/{id}", sender: user, owner: account, data: [id], headers: { X-User: "{user}" }'
  expect(loadEvent(`{ manual: true, ${body} }`)).toMatchObject({
    ref: { source: '/{id}' },
    sender: 'user',
    owner: 'account',
  })
})

test('a disabled event is kept and checked, and asks for no table', () => {
  const { events, tables } = load('events: { a: { table: note, on: insert, enabled: false }, b: { manual: true } }')
  expect(events.map(({ enabled }) => enabled)).toEqual([false, true])
  expect(tables).toEqual(new Set())
})

test('everything an event can say is read', () => {
  const event = loadEvent(`
    table: article
    on: update
    skip_noop: true
    broadcast: true
    include: [old, changed]
    envelope: resthooks
    keepalive: false
    description: An article was changed.
    label: Changed
    headers: { X-Article: "{id}" }
    recipients: { schemes: [https], ports: [8443], block_internal: false, allow_cidrs: [10.0.0.0/8, "fd00::/8"] }`)
  expect(event).toMatchObject({
    skipNoop: true,
    broadcast: true,
    includeOld: true,
    includeChanged: true,
    envelope: 'resthooks',
    keepAlive: false,
    description: 'An article was changed.',
    label: 'Changed',
    headers: [{ name: 'X-Article', template: { source: '{id}' } }],
    recipients: {
      schemes: ['https'],
      ports: [8443],
      blockInternal: false,
      allowCidrs: ['10.0.0.0/8', 'fd00::/8'],
      blockCidrs: [],
    },
  })
})

test('an incomplete old row is a warning where part of what was asked for is there', () => {
  const text = `events:
  a: { table: note, on: update, when: { title: x, id: 1 } }
  b: { table: note, on: update, include: [old] }
  c: { table: note, on: delete, data: [id, title] }
  d: { table: note, on: insert, when: { title: x }, include: [old], data: [title] }
  e: { table: article, on: [update, delete], when: { title: x }, include: [old], data: [title] }
`
  const { config, warnings } = parseConfig(text, 'hookd.yaml', { catalog: CATALOG })
  expect(config).not.toBeNull()
  expect(warnings.map(({ line, message }) => [line, message])).toEqual([
    [2, expect.stringContaining('reads "title"; an update does not send a value of more than about 2 kB')],
    [3, expect.stringContaining('old rows of this table hold the key alone')],
    [4, expect.stringContaining('deleted rows of this table come without title')],
  ])
  for (const { message } of warnings) expect(message).toContain('ALTER TABLE public.note REPLICA IDENTITY FULL;')
})

test('a partitioned table gives of old rows what its weakest partition gives', () => {
  const leaf = (name: string) => aTable('public', name, { root: 'public.metric', identity: 'full' })
  const columns = [aColumn('id integer'), aColumn('title text')]
  const root = aTable('public', 'metric', { kind: 'partitioned', columns })
  const text = 'events: { a: { table: metric, on: update, when: { title: { now_eq: x } } } }'
  expect(load(text, aCatalog([root, leaf('metric_1'), leaf('metric_2')])).events).toHaveLength(1)
})
