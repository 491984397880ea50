import { Webhook as StandardWebhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { hookHmac, standardSignature } from '../../../src/delivery/sign.ts'
import { type ReceivedHeaders, WebhookVerificationError, verify } from '../../../src/delivery/verify.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const NOW = 1_700_000_000_000
const BODY = '{"event":"article.created","data":{"title":"Größe"}}'

function headersOf(overrides: Record<string, string | undefined> = {}): Record<string, string | undefined> {
  return {
    'content-type': 'application/json',
    'hook-event': 'article.created',
    'hook-delivery': 'c4c3cd3e-4e9f-8a4c-8f0c-9a2f63fce51c',
    'hook-subscription': '0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11',
    'hook-hmac': hookHmac(SECRET, 'sha256', Buffer.from(BODY)),
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(NOW / 1000),
    'webhook-signature': standardSignature(SECRET, { id: 'msg_1', body: Buffer.from(BODY), now: NOW }),
    ...overrides,
  }
}

function failureOf(attempt: () => unknown): string {
  try {
    attempt()
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.code
    throw error
  }
  return 'accepted'
}

test('a genuine request tells what it is', () => {
  const webhook = verify({ headers: headersOf(), body: BODY }, SECRET, { now: NOW })
  expect(webhook).toMatchObject({
    scheme: 'webhook-signature',
    id: 'msg_1',
    event: 'article.created',
    deliveryId: 'c4c3cd3e-4e9f-8a4c-8f0c-9a2f63fce51c',
    subscriptionId: '0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11',
    signedAt: new Date(NOW),
    text: BODY,
  })
  expect(webhook.json()).toEqual({ event: 'article.created', data: { title: 'Größe' } })
})

const UPPER = Object.fromEntries(Object.entries(headersOf()).map(([name, value]) => [name.toUpperCase(), value]))

test.each<[string, ReceivedHeaders]>([
  ['a plain object', headersOf()],
  ['upper-case names', UPPER],
  ['lists of values', Object.fromEntries(Object.entries(headersOf()).map(([name, value]) => [name, [value ?? '']]))],
  ['a Headers object', new Headers(Object.entries(headersOf()) as [string, string][])],
  ['a Map', new Map(Object.entries(UPPER)) as Map<string, string>],
  ['pairs', Object.entries(headersOf()) as [string, string][]],
])('headers may come as %s', (_, headers) => {
  expect(verify({ headers, body: BODY }, SECRET, { now: NOW }).event).toBe('article.created')
})

test.each<[string, string | Uint8Array]>([
  ['text', BODY],
  ['a Buffer', Buffer.from(BODY)],
  ['a Uint8Array', new TextEncoder().encode(BODY)],
  ['a view into a larger buffer', new Uint8Array(Buffer.from(`xx${BODY}`)).subarray(2)],
])('the body may come as %s', (_, body) => {
  expect(verify({ headers: headersOf(), body }, SECRET, { now: NOW }).text).toBe(BODY)
})

test.each<[string, Record<string, string | undefined>]>([
  [
    'another body',
    {
      'hook-hmac': undefined,
      'webhook-signature': standardSignature(SECRET, { id: 'msg_1', body: Buffer.from('{}'), now: NOW }),
    },
  ],
  ['another id', { 'webhook-id': 'msg_2' }],
  ['an id whose low bytes are the same', { 'webhook-id': 'msg_ı' }],
  ['an id that takes a dot from the signed text', { 'webhook-id': 'msg_1.1' }],
  ['another time', { 'webhook-timestamp': String(NOW / 1000 + 1) }],
  ['a signature of no known kind', { 'webhook-signature': 'v2,AAAA v1a,BBBB' }],
  ['a signature cut short', { 'webhook-signature': 'v1,g0hM9SsE' }],
])('%s is refused as no match', (_, overrides) => {
  const headers = headersOf(overrides)
  expect(failureOf(() => verify({ headers, body: BODY }, SECRET, { now: NOW }))).toBe('no_match')
})

test.each<[string, string, number]>([
  ['accepted', 'is 5 minutes old', 300],
  ['too_old', 'is older than 5 minutes', 301],
  ['accepted', 'is 5 minutes ahead', -300],
  ['too_new', 'is further ahead', -301],
])('it is %s when the timestamp %s', (failure, _, age) => {
  const verifying = () => verify({ headers: headersOf(), body: BODY }, SECRET, { now: NOW + age * 1000 })
  expect(failureOf(verifying)).toBe(failure)
})

test('the tolerance can be set', () => {
  const verifying = (toleranceSeconds: number) =>
    verify({ headers: headersOf(), body: BODY }, SECRET, { now: NOW + 10_000, toleranceSeconds })
  expect(failureOf(() => verifying(9))).toBe('too_old')
  expect(verifying(10).id).toBe('msg_1')
})

test.each(['', 'soon', '1700000000.5', '-1', '1e9', '99999999999999'])('the timestamp %j is refused', (timestamp) => {
  const headers = headersOf({ 'webhook-timestamp': timestamp })
  const failure = failureOf(() => verify({ headers, body: BODY }, SECRET, { now: NOW }))
  expect(failure).toBe(timestamp === '' ? 'missing_header' : 'bad_timestamp')
})

test('any of several values and any of several secrets may match', () => {
  const mine = headersOf()['webhook-signature']
  const headers = headersOf({ 'webhook-signature': `v1,AAAA v2,BBBB ${mine}` })
  expect(verify({ headers, body: BODY }, ['another secret', SECRET], { now: NOW }).id).toBe('msg_1')
})

test('Hook-HMAC is checked where there is no webhook-signature', () => {
  const headers = { 'Hook-HMAC': hookHmac('KEY', 'sha512', Buffer.from('MSG')) }
  const request = { headers, body: 'MSG' }
  expect(verify(request, 'KEY', { digest: 'sha512' })).toMatchObject({ scheme: 'hook-hmac', signedAt: null, id: null })
  expect(verify(request, Buffer.from('KEY'), { digest: 'sha512' }).text).toBe('MSG')
  expect(failureOf(() => verify(request, 'NKEY', { digest: 'sha512' }))).toBe('no_match')
  expect(failureOf(() => verify(request, 'KEY'))).toBe('no_match')
})

test('Hook-HMAC does not do where webhook-signature is asked for', () => {
  const headers = headersOf({ 'webhook-signature': undefined })
  const verifying = () => verify({ headers, body: BODY }, SECRET, { scheme: 'webhook-signature', now: NOW })
  expect(failureOf(verifying)).toBe('missing_header')
})

test('Hook-HMAC can be asked for although there is a webhook-signature', () => {
  const headers = headersOf({ 'webhook-signature': 'v1,wrong' })
  expect(verify({ headers, body: BODY }, SECRET, { scheme: 'hook-hmac' }).scheme).toBe('hook-hmac')
})

test('each of two subscribers verifies only with its own secret', () => {
  const body = Buffer.from('{}')
  const secrets = ['the first secret', 'the second secret']
  const verdicts = secrets.map((signedBy) =>
    secrets.map((secret) =>
      failureOf(() => verify({ headers: { 'hook-hmac': hookHmac(signedBy, 'sha256', body) }, body }, secret)),
    ),
  )
  expect(verdicts).toEqual([
    ['accepted', 'no_match'],
    ['no_match', 'accepted'],
  ])
})

test('what other Standard Webhooks senders sign is accepted too', () => {
  const signature = new StandardWebhook(SECRET).sign('msg_9', new Date(NOW), BODY)
  const headers = headersOf({ 'webhook-id': 'msg_9', 'webhook-signature': signature })
  expect(verify({ headers, body: BODY }, SECRET, { now: NOW }).id).toBe('msg_9')
})

test.each<[string, () => unknown, string, string]>([
  [
    'no signature',
    () => verify({ headers: {}, body: BODY }, SECRET),
    'missing_header',
    'the request has no hook-hmac header',
  ],
  [
    'no id',
    () => verify({ headers: headersOf({ 'webhook-id': undefined }), body: BODY }, SECRET),
    'missing_header',
    'the request has no webhook-id header',
  ],
  ['no secret', () => verify({ headers: headersOf(), body: BODY }, []), 'bad_secret', 'no secret was given'],
  [
    'a secret that is no key',
    () => verify({ headers: headersOf(), body: BODY }, 'whsec_?', { now: NOW }),
    'bad_secret',
    'what follows "whsec_" in the secret is not padded base64',
  ],
  [
    'a parsed body',
    () => verify({ headers: headersOf(), body: JSON.parse(BODY) as string }, SECRET),
    'parsed_body',
    'the body must be the raw text or bytes of the request; a parsed one no longer has the bytes that were signed',
  ],
])('with %s the error says so', (_, verifying, code, message) => {
  expect(verifying).toThrow(expect.objectContaining({ code, message }))
})
