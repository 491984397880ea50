import { expect, test } from 'vitest'
import { PayloadError } from '../../../src/delivery/facts.ts'
import { Payloads } from '../../../src/delivery/payload.ts'
import { variantKey } from '../../../src/delivery/variant.ts'
import { Unreadable } from '../../../src/replication/change.ts'
import { jsonConverter } from '../../../src/values/to-json.ts'
import { PAYLOADS, aChange, aRelation, aTarget, aTemplate, aTruncate, anEvent, bodyOf, factsOf } from './messages.ts'

const ROW = { id: '1', title: 'The quick brown fox', state: 'PUBLISHED', author_id: '7' }
const INSERT = aChange({ new: ROW })
const UPDATE = aChange({ old: { ...ROW, state: 'PENDING' }, new: ROW })
const DELETE = aChange({ old: ROW })
const WHERE = '"committed_at":"2026-01-13T23:12:52.205785Z","lsn":"0/1A2B3C8","xid":7421'
const DATA = '{"id":1,"title":"The quick brown fox","state":"PUBLISHED","author_id":7}'

test('the hookd envelope has its keys in the documented order', () => {
  const event = { ref: aTemplate('https://example.com/articles/{id}/'), sender: 'author_id', includeOld: true }
  expect(bodyOf(event, UPDATE)).toBe(
    '{"event":"article.published","ref":"https://example.com/articles/1/","sender":7,' +
      `"data":${DATA},` +
      `"meta":{"id":"msg_1","op":"update","table":"public.article","key":{"id":1},${WHERE},"changed":["state"]},` +
      `"old":${DATA.replace('PUBLISHED', 'PENDING')}}`,
  )
})

test('without ref and sender both are null', () => {
  expect(bodyOf({ data: { kind: 'only', columns: [] } }, INSERT, { envelope: 'thorn' })).toBe(
    '{"event":"article.published","ref":null,"sender":null,"data":{}}',
  )
})

function cloudEvent(subject: string, data: string): string {
  return (
    `{"specversion":"1.0","id":"msg_1","source":"hookd:public.article","type":"article.published"${subject},` +
    `"time":"2026-01-13T23:12:52.205785Z","datacontenttype":"application/json","data":${data}}`
  )
}

test('the subject of a CloudEvent is the ref, and its source the table or the call', () => {
  const envelope = 'cloudevents'
  const ref = aTemplate('https://example.com/articles/{id}/')
  const subject = ',"subject":"https://example.com/articles/1/"'
  expect(bodyOf({ ref }, INSERT, { envelope })).toBe(cloudEvent(subject, DATA))
  expect(bodyOf({}, aTruncate(), { envelope })).toBe(cloudEvent('', '{}'))
})

test.each([
  ['thorn', INSERT, `{"event":"article.published","ref":null,"sender":null,"data":${DATA}}`],
  ['raw', INSERT, DATA],
  ['flat', INSERT, `${DATA.slice(0, -1)},"created":true}`],
  ['flat', UPDATE, `${DATA.slice(0, -1)},"created":false}`],
  ['flat', DELETE, `${DATA.slice(0, -1)},"created":false}`],
  [
    'resthooks',
    INSERT,
    '{"hook":{"id":"0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11","event":"article.published",' +
      `"target":"https://example.com/hook"},"data":${DATA}}`,
  ],
  ['standard', UPDATE, `{"type":"article.published","timestamp":"2026-01-13T23:12:52.205785Z","data":${DATA}}`],
  ['cloudevents', INSERT, cloudEvent('', DATA)],
] as const)('the %s envelope is as documented', (envelope, change, body) => {
  expect(bodyOf({}, change, { envelope })).toBe(body)
})

test.each([
  [
    'hookd',
    `"meta":{"id":"msg_1","op":"insert","table":"public.article","key":{"id":1},${WHERE}},"agent":"A","n":[1]}`,
  ],
  ['thorn', `"data":${DATA},"meta":"m","agent":"A","n":[1]}`],
  ['flat', '"created":true,"event":"hack","meta":"m","agent":"A","n":[1]}'],
  ['resthooks', `"data":${DATA},"event":"hack","meta":"m","agent":"A","n":[1]}`],
  ['standard', `"data":${DATA},"event":"hack","meta":"m","agent":"A","n":[1]}`],
  ['raw', DATA],
  ['cloudevents', `"datacontenttype":"application/json","data":${DATA}}`],
] as const)('request_data adds keys to the %s envelope and replaces none', (envelope, end) => {
  const requestData = [
    { key: 'event', json: '"hack"' },
    { key: 'data', json: '"hack"' },
    { key: 'created', json: '"hack"' },
    { key: 'meta', json: '"m"' },
    { key: 'agent', json: '"A"' },
    { key: 'n', json: '[1]' },
  ]
  const allowed = envelope === 'flat' ? requestData.filter(({ key }) => key !== 'data') : requestData
  const mine = allowed.filter(({ key }) => key !== 'created' || envelope === 'flat')
  const body = bodyOf({ requestData: mine }, INSERT, { envelope })
  expect(body.endsWith(end)).toBe(true)
  expect(JSON.parse(body)).not.toMatchObject({ data: 'hack' })
})

test.each([
  [{ kind: 'all' }, DATA],
  [{ kind: 'only', columns: ['title', 'id'] }, '{"title":"The quick brown fox","id":1}'],
  [{ kind: 'except', columns: ['title', 'author_id'] }, '{"id":1,"state":"PUBLISHED"}'],
  [
    {
      kind: 'templates',
      fields: [
        { key: 'id', template: aTemplate('{id}') },
        { key: 'line', template: aTemplate('{title} ({state})') },
        { key: 'fixed', template: aTemplate('"as is"') },
      ],
    },
    '{"id":1,"line":"The quick brown fox (PUBLISHED)","fixed":"\\"as is\\""}',
  ],
] as const)('data: %j gives %s', (data, body) => {
  expect(bodyOf({ data }, INSERT, { envelope: 'raw' })).toBe(body)
})

test('the flat envelope prefers its own created, and a column to request_data', () => {
  const relation = aRelation('public.person', 'id int4, created timestamptz, total numeric')
  const change = aChange({ relation, new: { id: '1', created: '2016-01-13 23:12:52.205785+00', total: '1.10' } })
  const requestData = [
    { key: 'total', json: '"hack"' },
    { key: 'agent', json: '2.50' },
  ]
  expect(bodyOf({ requestData }, change, { envelope: 'flat' })).toBe(
    '{"id":1,"total":1.10,"created":true,"agent":2.50}',
  )
})

test('values look as to_jsonb gives them', () => {
  const columns = 'at timestamptz, n numeric, u uuid, d date, t time, b bytea, j jsonb, a int4[], flag bool, big int8'
  const relation = aRelation('public.kinds', columns, [])
  const change = aChange({
    relation,
    new: {
      at: '2016-01-13 23:12:52.205785+00',
      n: '1.10',
      u: '0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11',
      d: '2016-01-13',
      t: '01:02:03',
      b: '\\xdeadbeef',
      j: '{"a": 1.50, "b": [1, null]}',
      a: '{1,NULL,3}',
      flag: 't',
      big: '9007199254740993',
    },
  })
  expect(bodyOf({}, change, { envelope: 'raw' })).toBe(
    '{"at":"2016-01-13T23:12:52.205785+00:00","n":1.10,"u":"0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11","d":"2016-01-13",' +
      '"t":"01:02:03","b":"\\\\xdeadbeef","j":{"a":1.50,"b":[1,null]},"a":[1,null,3],"flag":true,"big":9007199254740993}',
  )
})

test('text of any kind is JSON in UTF-8, and nothing is cut', () => {
  const title = `"\\\n\u0001\u2028é✓𝄞${'x'.repeat(3000)}`
  expect(JSON.parse(bodyOf({}, aChange({ new: { ...ROW, title } })))).toMatchObject({ data: { title } })
})

test('a column name is quoted like any text', () => {
  const relation = aRelation('public.odd', 'a"b int4')
  expect(bodyOf({}, aChange({ relation, new: { 'a"b': '1' } }), { envelope: 'raw' })).toBe('{"a\\"b":1}')
})

test('NULL is null', () => {
  expect(
    bodyOf({ sender: 'author_id' }, aChange({ new: { ...ROW, author_id: null } }), { envelope: 'thorn' }),
  ).toContain('"sender":null,"data":{"id":1,"title":"The quick brown fox","state":"PUBLISHED","author_id":null}')
})

test('columns that Postgres did not send are left out and named', () => {
  const change = aChange({ old: { id: '1' } })
  const meta = `{"id":"msg_1","op":"delete","table":"public.article","key":{"id":1},${WHERE}`
  const unknown = '"unknown":["title","state","author_id"]'
  expect(bodyOf({}, change)).toBe(
    `{"event":"article.published","ref":null,"sender":null,"data":{"id":1},"meta":${meta},${unknown}}}`,
  )
  expect(bodyOf({ data: { kind: 'only', columns: ['state'] } }, change)).toContain('"data":{},')
})

test('an unchanged TOASTed column under default identity is unknown, not NULL', () => {
  const change = aChange({ new: { ...ROW, title: undefined } }, 'update')
  expect(bodyOf({}, change)).toContain('"xid":7421,"unknown":["title"]}}')
})

test('changed names what the event lets subscribers see, or with include every column', () => {
  const data = { kind: 'only', columns: ['id', 'title'] } as const
  expect(bodyOf({ data }, UPDATE)).toContain('"changed":[]')
  expect(bodyOf({ data, includeChanged: true }, UPDATE)).toContain('"changed":["state"]')
})

test.each([
  ['an insert', INSERT],
  ['a delete', DELETE],
  ['an update without a complete old row', aChange({ old: { id: '1' }, new: ROW })],
  [
    'an update with a value that cannot be read',
    aChange({ old: { ...ROW, title: new Unreadable('is NaN') }, new: ROW }),
  ],
])('changed is left out of %s, or null with include', (_, change) => {
  expect(bodyOf({}, change)).not.toContain('changed')
  expect(bodyOf({ includeChanged: true }, change)).toContain(',"changed":null}')
})

test('a NULL that became something has changed', () => {
  const change = aChange({ old: { ...ROW, state: null }, new: ROW })
  expect(bodyOf({}, change)).toContain('"changed":["state"]')
})

test.each([
  ['an insert', INSERT, 'null'],
  ['an update', UPDATE, '{"state":"PENDING"}'],
  ['a delete', DELETE, '{"state":"PUBLISHED"}'],
  ['an update of which only the old key is known', aChange({ old: { id: '2' }, new: ROW }), '{"id":2}'],
  ['an update of which pgoutput sent no old key', aChange({ new: ROW }, 'update'), '{"id":1}'],
])('old of %s shows no more than data does, or the key', (_, change, old) => {
  const event = { includeOld: true, data: { kind: 'only', columns: ['state'] } } as const
  expect(bodyOf(event, change).endsWith(`,"old":${old}}`)).toBe(true)
})

test.each([
  ['a table without a key', aRelation('public.log', 'id int4, line text', []), 'null'],
  ['a key of two columns', aRelation('public.log', 'id int4, line text', ['line', 'id']), '{"line":"a","id":1}'],
])('meta.key of %s is %s', (_, relation, key) => {
  expect(bodyOf({}, aChange({ relation, new: { id: '1', line: 'a' } }))).toContain(`"key":${key},`)
})

test('a truncate has no row: empty data, and null for what a row would give', () => {
  const event = { ref: aTemplate('http://ex/{id}'), sender: 'author_id', includeOld: true, includeChanged: true }
  expect(bodyOf(event, aTruncate())).toBe(
    '{"event":"article.published","ref":null,"sender":null,"data":{},' +
      `"meta":{"id":"msg_1","op":"truncate","table":"public.article","key":null,${WHERE},"changed":null},"old":null}`,
  )
  expect(bodyOf({}, aTruncate(), { envelope: 'flat' })).toBe('{"created":false}')
})

test('ref percent-encodes values and leaves its own text alone', () => {
  const change = aChange({ new: { ...ROW, title: 'a/b?c=d&e #ü' } })
  expect(bodyOf({ ref: aTemplate('http://ex/{title}?q=%20') }, change, { envelope: 'thorn' })).toContain(
    '"ref":"http://ex/a%2Fb%3Fc%3Dd%26e%20%23%C3%BC?q=%20"',
  )
})

test.each([
  [
    'unreadable_value',
    { data: { kind: 'all' } },
    { ...ROW, title: new Unreadable('is larger than 1 MiB') },
    'column "title" of public.article is larger than 1 MiB',
  ],
  [
    'missing_column',
    { data: { kind: 'only', columns: ['id', 'gone'] } },
    ROW,
    'column "gone" does not exist in public.article (any more)',
  ],
  ['missing_column', { sender: 'gone' }, ROW, 'column "gone" does not exist in public.article (any more)'],
  [
    'missing_column',
    { ref: aTemplate('http://ex/{gone}') },
    ROW,
    'column "gone" does not exist in public.article (any more)',
  ],
  [
    'null_value',
    { ref: aTemplate('http://ex/{title}') },
    { ...ROW, title: null },
    '"title" is NULL and a template needs it',
  ],
  [
    'unknown_value',
    { ref: aTemplate('http://ex/{title}') },
    { ...ROW, title: undefined },
    'row "title" of public.article is not known on insert, and the event needs it; REPLICA IDENTITY FULL on the table makes every old value known',
  ],
  [
    'bad_template',
    { ref: aTemplate('http://ex/{config.tenant}') },
    ROW,
    'the subscriber\'s config has no "tenant" and a template needs it',
  ],
] as const)('%s: an event %j with such a row is refused in a sentence', (problem, event, row, message) => {
  const rendering = () => bodyOf(event, aChange({ new: row }))
  expect(rendering).toThrow(PayloadError)
  expect(rendering).toThrow(expect.objectContaining({ problem, message }))
})

test('a converter that fails gives a sentence without the value', () => {
  const relation = aRelation('public.doc', 'id int4, j json')
  const rendering = () => bodyOf({}, aChange({ relation, new: { id: '1', j: '{"s3cr3t' } }))
  expect(rendering).toThrow(expect.objectContaining({ problem: 'unreadable_value' }))
  expect(rendering).not.toThrow(/s3cr3t/)
  expect(rendering).toThrow(/^column "j" of public\.doc is /)
})

test('a body beyond max_payload is refused', () => {
  const payloads = new Payloads(
    jsonConverter(() => undefined),
    { maxBytes: 100 },
  )
  const bodies = payloads.message(factsOf({}, INSERT))
  expect(() => bodies.body(aTarget())).toThrow(expect.objectContaining({ problem: 'too_large' }))
  expect(bodies.body(aTarget({ envelope: 'raw' })).length).toBeLessThanOrEqual(100)
})

test('subscribers of one variant share the bytes; an error is shared too', () => {
  const bodies = PAYLOADS.message(factsOf({}, INSERT))
  const first = bodies.body(aTarget())
  expect(bodies.body(aTarget({ subscriberId: 'another', url: 'https://other' }))).toBe(first)
  expect(bodies.body(aTarget({ envelope: 'thorn' }))).not.toBe(first)
  const failing = PAYLOADS.message(factsOf({ sender: 'gone' }, INSERT))
  const errors = [1, 2].map(() => {
    try {
      return failing.body(aTarget())
    } catch (error) {
      return error
    }
  })
  expect(errors[0]).toBeInstanceOf(PayloadError)
  expect(errors[1]).toBe(errors[0])
})

test('a message is rendered per config where a template asks for it', () => {
  const ref = aTemplate('http://{config.host}/{id}')
  const bodies = PAYLOADS.message(factsOf({ ref }, INSERT))
  const refs = ['a.example', 'b.example'].map((host) => {
    const body = bodies.body(aTarget({ envelope: 'thorn', config: { host, port: 1 } }))
    return (JSON.parse(body.toString()) as { ref: string }).ref
  })
  expect(refs).toEqual(['http://a.example/1', 'http://b.example/1'])
})

test('the variant says what a body depends on', () => {
  const plain = anEvent()
  const tailored = anEvent({ ref: aTemplate('{config.host}') })
  const [a, b] = [aTarget({ config: { host: 'a' } }), aTarget({ config: { host: 'b' }, url: 'https://other/' })]
  expect(variantKey(plain, a)).toBe('hookd json')
  expect(variantKey(plain, b)).toBe('hookd json')
  expect(variantKey(tailored, a)).toMatch(/^hookd json [0-9a-f]{32}$/)
  expect(variantKey(tailored, a)).not.toBe(variantKey(tailored, b))
  const rest = { envelope: 'resthooks', contentType: 'application/x-www-form-urlencoded' } as const
  expect(variantKey(plain, aTarget(rest))).toMatch(/^resthooks form [0-9a-f]{32}$/)
  expect(variantKey(plain, aTarget(rest))).not.toBe(variantKey(plain, aTarget({ ...rest, url: 'https://other/' })))
})

test('a form carries the same as the JSON of its envelope', () => {
  const change = aChange({ new: { ...ROW, state: null } })
  const data = { kind: 'only', columns: ['title', 'state'] } as const
  const form = { envelope: 'thorn', contentType: 'application/x-www-form-urlencoded' } as const
  expect(bodyOf({ data, declaredName: 'article.created' }, change, form)).toBe(
    'event=article.created&ref=&sender=&data%5Btitle%5D=The+quick+brown+fox&data%5Bstate%5D=',
  )
})
