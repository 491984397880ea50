import { expect, test } from 'vitest'
import { type HeaderFacts, type HeaderSubscriber, deliveryHeaders } from '../../../src/delivery/delivery-headers.ts'
import { headerProblem, headersProblem } from '../../../src/delivery/headers.ts'
import { UnsendableError } from '../../../src/delivery/unsendable.ts'
import { verify } from '../../../src/delivery/verify.ts'

const FACTS: HeaderFacts = {
  event: 'article.published',
  messageId: 'msg_1',
  deliveryId: 'c4c3cd3e-4e9f-8a4c-8f0c-9a2f63fce51c',
  body: Buffer.from('MSG'),
  now: 1_700_000_000_500,
  userAgent: 'hookd/1.2.3',
  eventHeaders: [],
}

const SUBSCRIBER: HeaderSubscriber = {
  id: '0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11',
  contentType: 'application/json',
  headers: {},
  secret: 'KEY',
  oldSecret: null,
  oldSecretUntil: null,
  digest: 'sha256',
}

function pairs(flat: readonly string[]): (readonly [string, string])[] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ''] as const] : []))
}

test('the headers come complete and in the documented order', () => {
  const headers = deliveryHeaders(
    { ...FACTS, eventHeaders: ['X-Event', 'a'] },
    { ...SUBSCRIBER, headers: { Authorization: 'Bearer t' } },
  )
  expect(pairs(headers)).toEqual([
    ['Content-Type', 'application/json'],
    ['User-Agent', 'hookd/1.2.3'],
    ['Hook-Event', 'article.published'],
    ['Hook-Delivery', 'c4c3cd3e-4e9f-8a4c-8f0c-9a2f63fce51c'],
    ['Hook-Subscription', '0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11'],
    ['Hook-HMAC', 'NoW4PnbIMVpqi579pkYHK2uiHnILE/kWwJ6U+89ZOxg='],
    ['webhook-id', 'msg_1'],
    ['webhook-timestamp', '1700000000'],
    ['webhook-signature', expect.stringMatching(/^v1,/)],
    ['Accept-Encoding', 'identity'],
    ['X-Event', 'a'],
    ['Authorization', 'Bearer t'],
  ])
})

test('a receiver verifies them', () => {
  const headers = pairs(deliveryHeaders(FACTS, SUBSCRIBER))
  expect(verify({ headers, body: 'MSG' }, 'KEY', { now: FACTS.now }).event).toBe('article.published')
})

test('without a secret there is no signature, and id and time still go out', () => {
  const headers = deliveryHeaders(FACTS, { ...SUBSCRIBER, secret: null })
  expect(headers).not.toContain('Hook-HMAC')
  expect(headers).not.toContain('webhook-signature')
  expect(headers).toContain('webhook-timestamp')
})

test("the subscriber's own header wins over the event's", () => {
  const headers = deliveryHeaders(
    { ...FACTS, eventHeaders: ['X-Team', 'event', 'X-Other', 'event'] },
    { ...SUBSCRIBER, headers: { 'x-team': 'subscriber' } },
  )
  expect(headers.slice(-4)).toEqual(['X-Other', 'event', 'x-team', 'subscriber'])
})

test('a row that arrived with a bad header cannot be sent', () => {
  const signing = () => deliveryHeaders(FACTS, { ...SUBSCRIBER, headers: { Host: 'evil' } })
  expect(signing).toThrow(UnsendableError)
  expect(signing).toThrow(expect.objectContaining({ failure: 'bad_header' }))
})

test.each([
  'Host',
  'Content-Length',
  'Content-Type',
  'content-encoding',
  'Transfer-Encoding',
  'Connection',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Upgrade',
  'Expect',
  'Proxy-Authorization',
  'X-Forwarded-For',
  'Forwarded',
  'Via',
  'webhook-id',
  'Webhook-Anything',
  'hook-hmac',
  'Hook-Custom',
  'ce-id',
  'Signature',
  'Signature-Input',
  'Cookie',
  'User-Agent',
  'Accept-Encoding',
])('the header %s is reserved', (name) => {
  expect(headerProblem(name, 'x')).toBe(`header "${name}" is reserved: hookd or HTTP sets it; choose another name`)
})

test.each([
  ['Authorization', 'Bearer abc.def'],
  ['X-Api-Key', 'a b\tc ~!'],
  ['X_Hook', ''],
  ['Idempotency-Key', '1'],
])('the header %s: %s may be set', (name, value) => {
  expect(headerProblem(name, value)).toBeNull()
})

test.each<[string, unknown, string]>([
  ['', 'x', 'letters, digits'],
  ['X Y', 'x', 'letters, digits'],
  ['X:Y', 'x', 'letters, digits'],
  ['X\r\nY', 'x', 'letters, digits'],
  ['Größe', 'x', 'letters, digits'],
  ['X'.repeat(201), 'x', 'more than 200 characters'],
  ['X-A', 'a\r\nHost: evil', 'outside printable ASCII'],
  ['X-A', 'a\nb', 'outside printable ASCII'],
  ['X-A', 'a\0b', 'outside printable ASCII'],
  ['X-A', 'Größe', 'outside printable ASCII'],
  ['X-A', ' a', 'begins or ends with a space'],
  ['X-A', 'a\t', 'begins or ends with a space'],
  ['X-A', 'a'.repeat(4097), 'more than 4096 characters'],
  ['X-A', 7, 'must have a string'],
  ['X-A', null, 'must have a string'],
])('the header %j with the value %j is refused', (name, value, reason) => {
  expect(headerProblem(name, value)).toContain(reason)
})

test('a refusal never repeats the value, which may be a token', () => {
  expect(headerProblem('Authorization', 'Bearer s3cr3t\n')).not.toContain('s3cr3t')
})

test.each<[Record<string, unknown>, string | null]>([
  [{}, null],
  [{ 'X-A': '1', 'X-B': '2' }, null],
  [{ 'X-A': '1', 'x-a': '2' }, 'header "x-a" is there twice in different case; keep one'],
  [{ 'X-A': '1', Host: 'h' }, 'header "Host" is reserved: hookd or HTTP sets it; choose another name'],
])('the problem of the headers %j is %j', (headers, problem) => {
  expect(headersProblem(headers)).toBe(problem)
})

test('more than 50 headers are refused', () => {
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`X-${at}`, 'v']))
  expect(headersProblem(many)).toBe('there are 51 headers; 50 are allowed')
})
