import { createHmac, randomBytes } from 'node:crypto'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { expect, test } from 'vitest'
import { hmacBase64, hmacKey } from '../../../src/delivery/hmac.ts'
import { secretProblem } from '../../../src/delivery/secret.ts'
import { type SigningSecrets, hookHmac, sign, standardSignature } from '../../../src/delivery/sign.ts'
import { UnsendableError } from '../../../src/delivery/unsendable.ts'
import type { HmacDigest } from '../../../src/subscriptions/subscriber.ts'

const LONG_KEY = 'C=JTX)v3~dQCl];[_h[{q{CScm]oglLoe&>ga:>R~jR$.x?t|kW!FH:s@|4bu:11'
const FOX =
  '{"event": "article.created", "ref": "http://example.com/article/1/", "sender": "george", "data": {"title": "The quick brown fox"}}'
const BOOK =
  '{"hook":{"id":123,"event":"book.added","target":"http://example.com/target.php"},"data":{"title":"The Two Towers","pages":327,"fiction":true}}'

test.each<[string, string, string, HmacDigest, string]>([
  ['H1', 'KEY', 'MSG', 'sha1', 'haEJJ0FMFRHvcVq0UJK23ldBf6Q='],
  ['H1', 'KEY', 'MSG', 'sha256', 'NoW4PnbIMVpqi579pkYHK2uiHnILE/kWwJ6U+89ZOxg='],
  [
    'H1',
    'KEY',
    'MSG',
    'sha512',
    'eittahN1HeCt4GT5C/Er8xu13Z6dnWv6o33UBX7WSwtmhLi1E99IdngJKO1m2Ft9Xnp43WjzvhQzrN5sX3+S6g==',
  ],
  ['H3', 'KEY', '', 'sha256', 'nlmXEoEa+ffwALnx0PSk5KRj7LXE+ue9qhPjPEZCyG4='],
  ['H5', LONG_KEY, FOX, 'sha256', 'Ijnwio6rAZ813+UG6s+ArYdu/dqd7FV15PIE/kUba4s='],
  ['H5', LONG_KEY, FOX, 'sha1', 'Aldzj2GVme9/DWAj7/z5QyjR9ec='],
  [
    'H8',
    'KEY',
    '{"event":"user.created","ref":null,"sender":null,"data":{}}',
    'sha256',
    'manyPGDNFH/tkXxi0neKSc5OX+urPW4GKOycvxnzzS8=',
  ],
  ['H8', 'KEY', '{"event":"user.created","ref":null,"sender":null,"data":{}}', 'sha1', 'PnbiNtSbeZKTcJp3JaFYhpofa4U='],
  [
    'H9',
    'KEY',
    'event=article.created&ref=&sender=&data%5Btitle%5D=The+quick+brown+fox',
    'sha256',
    'gU9baDfATHKusrHBpCPb6ntXZgCt7cO6vDHJDDtem3s=',
  ],
  ['H10', 'KEY', BOOK, 'sha256', 'lktjBzbWDsCkT7Mn63m6B8IoWboQOjS90LshVPLumfs='],
  ['H12', 'KEY', 'MSG\n', 'sha256', 'VUuAwOzEhWcnYMGy/lyY7yKyujGdP/yahrZuhFlRgpg='],
])('Hook-HMAC gives the agreed value: %s', (_, secret, body, digest, expected) => {
  expect(hookHmac(secret, digest, Buffer.from(body))).toBe(expected)
})

test.each<HmacDigest>(['sha1', 'sha224', 'sha256', 'sha384', 'sha512'])(
  'the fast HMAC equals that of Node for %s, whatever the length of key and body',
  (digest) => {
    for (let length = 0; length < 200; length++) {
      const key = randomBytes(length)
      const body = randomBytes(length * 500)
      const expected = createHmac(digest, key).update('a.b.').update(body).digest('base64')
      expect(hmacBase64(hmacKey(digest, key), 'a.b.', body)).toBe(expected)
    }
  },
)

const STANDARD_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

test('webhook-signature gives the value of the Standard Webhooks specification', () => {
  const content = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    now: 1_614_265_330_000,
    body: Buffer.from('{"test": 2432232314}'),
  }
  expect(standardSignature(STANDARD_SECRET, content)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

const BODY = Buffer.from('{"event":"article.created","title":"Größe ✓"}')

function signedHeaders(secrets: Partial<SigningSecrets> & { secret: string }): Record<string, string> {
  const now = Date.now()
  const signatures = sign(
    { oldSecret: null, oldSecretUntil: null, digest: 'sha256', ...secrets },
    { id: 'msg_1', body: BODY, now },
  )
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': signatures?.webhookSignature ?? '',
  }
}

test('the libraries standardwebhooks and svix accept what hookd signs', () => {
  const headers = signedHeaders({ secret: STANDARD_SECRET })
  expect(new StandardWebhook(STANDARD_SECRET).verify(BODY.toString(), headers)).toEqual(JSON.parse(BODY.toString()))
  expect(() => new SvixWebhook(STANDARD_SECRET).verify(BODY, headers)).not.toThrow()
  expect(() => new SvixWebhook(STANDARD_SECRET).verify('{}', headers)).toThrow('No matching signature')
})

test('a secret without whsec_ keys with its UTF-8 bytes', () => {
  const secret = 'ein Geheimnis mit ß'
  const raw = new StandardWebhook(Buffer.from(secret), { format: 'raw' })
  expect(raw.verify(BODY.toString(), signedHeaders({ secret }))).toEqual(JSON.parse(BODY.toString()))
})

test('during a rotation receivers with either secret verify', () => {
  const oldSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
  const headers = signedHeaders({ secret: STANDARD_SECRET, oldSecret, oldSecretUntil: Date.now() + 60_000 })
  for (const secret of [STANDARD_SECRET, oldSecret]) {
    expect(new StandardWebhook(secret).verify(BODY.toString(), headers)).toBeTruthy()
    expect(() => new SvixWebhook(secret).verify(BODY, headers)).not.toThrow()
  }
})

const CONTENT = { id: 'msg_1', body: Buffer.from('MSG'), now: 1_700_000_000_999 }
const ROTATING: SigningSecrets = {
  secret: 'new',
  oldSecret: 'old',
  oldSecretUntil: 1_700_000_001_000,
  digest: 'sha256',
}

test('during a rotation the newest value comes first and Hook-HMAC is of the newest secret', () => {
  expect(sign(ROTATING, CONTENT)).toEqual({
    hookHmac: hookHmac('new', 'sha256', CONTENT.body),
    webhookSignature: `${standardSignature('new', CONTENT)} ${standardSignature('old', CONTENT)}`,
  })
})

test.each([
  ['has expired this millisecond', { oldSecretUntil: 1_700_000_000_999 }],
  ['has no end', { oldSecretUntil: null }],
  ['is not there', { oldSecret: null }],
])('an old secret that %s does not sign', (_, overrides) => {
  expect(sign({ ...ROTATING, ...overrides }, CONTENT)?.webhookSignature).toBe(standardSignature('new', CONTENT))
})

test('without a secret nothing is signed', () => {
  expect(sign({ ...ROTATING, secret: null }, CONTENT)).toBeNull()
})

test.each(['', 'whsec_', 'whsec_!!!', 'whsec_abc', 'whsec_ab-_'])('the secret %j signs nothing', (secret) => {
  const signing = () => sign({ ...ROTATING, secret }, CONTENT)
  expect(signing).toThrow(UnsendableError)
  expect(signing).toThrow(expect.objectContaining({ failure: 'bad_secret' }))
})

test.each([
  ['short', 'the secret is shorter than 16 characters'],
  ['whsec_not base64 at all', 'what follows "whsec_" in the secret is not padded base64'],
  [STANDARD_SECRET, null],
  ['sixteen letters!', null],
])('the problem of the secret %j is %j', (secret, problem) => {
  expect(secretProblem(secret)).toBe(problem)
})
