import { expect, test } from 'vitest'
import { PayloadError } from '../../../src/delivery/facts.ts'
import type { EventDefinition } from '../../../src/matching/event.ts'
import type { Cell } from '../../../src/replication/change.ts'
import {
  PAYLOADS,
  aChange,
  aRelation,
  aTarget,
  aTemplate,
  aTruncate,
  anEvent,
  bodyOf,
  emittedFacts,
  factsOf,
} from './messages.ts'

const RELATION = aRelation('public.party', 'id int4, occasion text, total numeric, doc jsonb, ok bool')
const ROW = { id: '1', occasion: 'festivus', total: '12.50', doc: '{"a": {"b": [10, 1.50]}, "s": "x"}', ok: 't' }

function rendered(
  template: string,
  row: Readonly<Record<string, Cell>> = ROW,
  config: Record<string, unknown> | null = null,
) {
  const data = { kind: 'templates', fields: [{ key: 'v', template: aTemplate(template) }] } as const
  const change = aChange({ relation: RELATION, old: { ...ROW, occasion: 'lent' }, new: row })
  return bodyOf({ data }, change, { envelope: 'raw', config })
}

test.each([
  ['{total}', '{"v":12.50}'],
  ['{ok}', '{"v":true}'],
  ['{doc}', '{"v":{"a":{"b":[10,1.50]},"s":"x"}}'],
  ['{doc.a}', '{"v":{"b":[10,1.50]}}'],
  ['{doc.a.b.1}', '{"v":1.50}'],
  ['{doc.s}', '{"v":"x"}'],
  ['{new.occasion} after {old.occasion}', '{"v":"festivus after lent"}'],
  ['{ok}/{total}/{doc.a}', '{"v":"true/12.50/{\\"b\\":[10,1.50]}"}'],
  ['{config.tenant}', '{"v":"acme"}'],
  ['{config.deep.n} of {config.tenant}', '{"v":"5 of acme"}'],
])('the template %s gives %s', (template, expected) => {
  expect(rendered(template, ROW, { tenant: 'acme', deep: { n: 5 } })).toBe(expected)
})

test('a lone reference keeps NULL, and text refuses it', () => {
  expect(rendered('{occasion}', { ...ROW, occasion: null })).toBe('{"v":null}')
  expect(() => rendered('on {occasion}', { ...ROW, occasion: null })).toThrow(
    '"occasion" is NULL and a template needs it',
  )
})

test.each(['{doc.missing}', '{doc.a.b.2}', '{doc.s.t}', '{config.other}', 'x{doc.a.c}'])(
  '%s without a value is an error',
  (template) => {
    expect(() => rendered(template, ROW, { tenant: 'acme' })).toThrow(PayloadError)
  },
)

function nameOf(name: string, occasion: string | null): string {
  const definition = anEvent({ name: aTemplate(name) })
  return PAYLOADS.eventName(definition, aChange({ relation: RELATION, new: { ...ROW, occasion } }), null)
}

test('an event is sent under its declared name or what its template gives', () => {
  expect(PAYLOADS.eventName(anEvent(), aChange({ new: {} }), null)).toBe('article.published')
  expect(nameOf('created.{new.occasion}', 'festivus')).toBe('created.festivus')
})

test('the rendered name stands in the body', () => {
  const facts = { ...factsOf({}, aChange({ new: { id: '1' } })), name: 'created.festivus' }
  const body = PAYLOADS.message(facts).body(aTarget({ envelope: 'thorn' }))
  expect(body.toString()).toMatch(/^\{"event":"created\.festivus",/)
})

test.each([null, '', 'two words', 'Größe', 'a..b', '.', 'a.', 'line\nbreak', 'x'.repeat(250)])(
  'the occasion %j gives no usable name',
  (occasion) => {
    expect(() => nameOf('created.{new.occasion}', occasion)).toThrow(PayloadError)
  },
)

test('a truncate has no value for a name', () => {
  const definition = anEvent({ name: aTemplate('created.{occasion}') })
  expect(() => PAYLOADS.eventName(definition, aTruncate(RELATION), null)).toThrow('public.party was truncated')
})

test("an event's headers are rendered", () => {
  const headers = [
    { name: 'X-Total', template: aTemplate('{total}') },
    { name: 'X-Tenant', template: aTemplate('t-{config.tenant}') },
  ]
  const bodies = PAYLOADS.message(factsOf({ headers }, aChange({ relation: RELATION, new: ROW })))
  expect(bodies.headers({ tenant: 'acme' })).toEqual(['X-Total', '12.50', 'X-Tenant', 't-acme'])
})

test('a header that would split the request is an error without the value', () => {
  const headers = [{ name: 'X-Doc', template: aTemplate('{occasion}') }]
  const change = aChange({ relation: RELATION, new: { ...ROW, occasion: 's3cr3t\r\nHost: evil' } })
  const rendering = () => PAYLOADS.message(factsOf({ headers }, change)).headers(null)
  expect(rendering).toThrow('header "X-Doc" of the event has a value with a character outside printable ASCII')
})

const WHERE = '"committed_at":"2026-01-13T23:12:52.205785Z","lsn":"0/1A2B3C8","xid":7421'

function emitted(event: Partial<EventDefinition>, given: Parameters<typeof emittedFacts>[1] = {}, target = {}): string {
  return PAYLOADS.message(emittedFacts({ declaredName: 'user.logged_in', ...event }, given))
    .body(aTarget(target))
    .toString()
}

test('an emitted event carries what it was given, compact and digit for digit', () => {
  expect(emitted({}, { data: '{"id": 1.50, "tags": ["a"]}', ref: 'http://ex/1', sender: '{"id": 7}' })).toBe(
    '{"event":"user.logged_in","ref":"http://ex/1","sender":{"id":7},"data":{"id":1.50,"tags":["a"]},' +
      `"meta":{"id":"msg_1","op":"emit","table":null,"key":null,${WHERE}}}`,
  )
})

test('an emitted event without arguments is empty', () => {
  expect(emitted({}, {}, { envelope: 'thorn' })).toBe('{"event":"user.logged_in","ref":null,"sender":null,"data":{}}')
})

test.each<[Partial<EventDefinition>, string]>([
  [{ data: { kind: 'only', columns: ['b', 'a'] } }, '"data":{"b":2,"a":1.0}'],
  [{ data: { kind: 'except', columns: ['b'] } }, '"data":{"a":1.0}'],
  [{ ref: aTemplate('http://ex/{a}') }, '"ref":"http://ex/1.0"'],
  [{ sender: 'b' }, '"sender":2'],
])('the keys of emitted data stand for columns: %j', (event, part) => {
  expect(emitted(event, { data: '{"a": 1.0, "b": 2}' })).toContain(part)
})

test.each<[Partial<EventDefinition>, string, string]>([
  [{ data: { kind: 'only', columns: ['c'] } }, '{"a":1}', 'the emitted data has no "c" and the event needs it'],
  [{ data: { kind: 'except', columns: ['c'] } }, '[1]', 'the event selects keys of its data, which is not an object'],
  [{ ref: aTemplate('{old.a}') }, '{"a":1}', 'the emitted data has no "a" and the event needs it'],
])('an event %j that emitted data %s does not fit is refused', (event, data, message) => {
  expect(() => emitted(event, { data })).toThrow(message)
})

test('JSON that cannot be read is a payload error everywhere', () => {
  const broken = emittedFacts({ headers: [{ name: 'X-A', template: aTemplate('{a}') }] }, { data: '{"a":' })
  const message = 'a JSON value is malformed JSON'
  expect(() => PAYLOADS.message(broken).body(aTarget())).toThrow(
    expect.objectContaining({ name: 'PayloadError', message }),
  )
  expect(() => PAYLOADS.message(broken).headers(null)).toThrow(
    expect.objectContaining({ name: 'PayloadError', message }),
  )
  const named = anEvent({ name: aTemplate('x.{a}') })
  const naming = () => PAYLOADS.eventName(named, broken.change, broken.emitted)
  expect(naming).toThrow(expect.objectContaining({ name: 'PayloadError', message }))
})

test('emitted data that is no object is sent as it is, but not flat', () => {
  expect(emitted({}, { data: '[1, 2]' }, { envelope: 'raw' })).toBe('[1,2]')
  expect(() => emitted({}, { data: '[1, 2]' }, { envelope: 'flat' })).toThrow('needs data that is an object')
  expect(emitted({}, { data: '{"created": 1, "a": 1}' }, { envelope: 'flat' })).toBe('{"a":1,"created":false}')
})
