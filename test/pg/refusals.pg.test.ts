import { beforeAll, describe, expect, test } from 'vitest'
import { DEFAULT_RETRY, parseRetry } from '../../src/config/retry.ts'
import { headersProblem } from '../../src/delivery/headers.ts'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { insertSubscriber, refusalOf, type SubscriberColumns } from '../support/subscribers.ts'

const EXAMPLE_URL = 'Write "https://example.com/hook".'
const EXAMPLE_EVENT = `Write an event's name or a pattern: "article.created", "article.*" or "*".`
const NEW_SECRET = 'Leave hmac_secret out to get a random one, or call hookd.rotate_secret(id).'
const BOTH_SECRETS = 'Call hookd.rotate_secret(id), which sets both.'
const TAKEN_HEADER = 'hookd or HTTP itself sets it; choose another name, such as "X-Token".'
const ENVELOPES = 'Write one of hookd, thorn, resthooks, flat, raw, standard, cloudevents.'
const PORTS = 'Ports go from 1 to 65535.'
const RETRY = 'Write {"schedule": ["5s", "1m", "2h"]}, {"max": 3} or both, or false for a single attempt.'
const RATE = 'Write something above 0, at most 1000000, or null for no limit.'

const RESERVED_HEADERS = (
  'Host content-length Transfer-Encoding Connection Keep-Alive TE Trailer Upgrade Via Expect Proxy-Authorization ' +
  'X-Forwarded-For Forwarded webhook-id ce-id Content-Encoding Content-Type Signature Signature-Input Cookie Hook-HMAC ' +
  'hook-x User-Agent Accept-Encoding'
).split(' ')

interface Refused {
  readonly columns: SubscriberColumns
  readonly message: string
  readonly hint: string
  /** The row, cut to fit a test's name. */
  readonly shown: string
}

const REFUSED: readonly Refused[] = [
  ...refused('invalid event: it is empty', EXAMPLE_EVENT, { event: '' }, { event: null }),
  ...refused('invalid event: it has 256 characters, 255 are the limit', 'Write a shorter pattern.', {
    event: 'e'.repeat(256),
  }),
  ...refused(
    'invalid event: it has white space or a control character',
    'Write the name alone.',
    ...[' a', 'a ', 'a b', 'a\tb', 'a\u0001'].map((event) => ({ event })),
  ),
  ...['a..b', '.a', 'a.', '.'].flatMap((event) =>
    refused(`invalid event "${event}": a segment is empty`, 'Put something between the dots, at least a *.', { event }),
  ),
  ...['art*.x', 'a.*b', '**'].flatMap((event) =>
    refused(
      `invalid event "${event}": a * stands for a whole segment, not for a part of one`,
      'Write "article.*", "*.created" or "a.*.c".',
      { event },
    ),
  ),

  ...refused('invalid url: it is empty', EXAMPLE_URL, { url: '' }, { url: null }),
  ...refused('invalid url: it has no scheme', EXAMPLE_URL, { url: 'example.com/hook' }, { url: '//example.com' }),
  ...['javascript:alert(1)', 'file:///etc/passwd', 'gopher://e.com', 'ftp://e.com', 'http+unix://%2Fsock'].flatMap(
    (url) => refused(`invalid url: the scheme "${url.split(':')[0]}" cannot be posted to`, EXAMPLE_URL, { url }),
  ),
  ...refused(
    'invalid url: it names no host',
    EXAMPLE_URL,
    ...['http:/e.com', 'http:e.com', 'https:///path', 'http://:80/', 'http://[::1', 'http://a:b:c/'].map((url) => ({
      url,
    })),
  ),
  ...refused('invalid url: there is no port 0', PORTS, { url: 'http://e.com:0/' }),
  ...refused('invalid url: there is no port 65536', PORTS, { url: 'http://e.com:65536/' }),
  ...refused(
    'invalid url: it has a user or a password in it',
    'Put credentials into headers: {"Authorization": "Bearer …"}.',
    { url: 'http://joe:hunter2@e.com/' },
    { url: 'http://@e.com/' },
  ),
  ...refused(
    'invalid url: it has white space, a control character or a backslash',
    'Percent-encode it: %20 for a space.',
    ...[' http://e.com', 'http://e.com/a b', 'http://e.com/\n', 'http://e.com\\@f.com/'].map((url) => ({ url })),
  ),
  ...refused('invalid url: it has 2049 characters, 2048 are the limit', 'Write a shorter one.', {
    url: `https://example.com/${'x'.repeat(2029)}`,
  }),

  ...refused(
    'invalid owner: it has no characters, or more than 255',
    'Write null for a subscriber without an owner.',
    { owner: '' },
    { owner: 'o'.repeat(256) },
  ),
  ...refused('invalid content_type "text/xml"', 'Write one of application/json, application/x-www-form-urlencoded.', {
    content_type: 'text/xml',
  }),
  ...refused(
    'invalid content_type: CloudEvents are JSON',
    "Write content_type = 'application/json'; requests say application/cloudevents+json by themselves.",
    { envelope: 'cloudevents', content_type: 'application/x-www-form-urlencoded' },
  ),
  ...refused('invalid envelope "soap"', ENVELOPES, { envelope: 'soap' }),
  ...refused('invalid envelope: it is null', ENVELOPES, { envelope: null }),
  ...refused('invalid hmac_digest "md5"', 'Write one of sha1, sha224, sha256, sha384, sha512.', { hmac_digest: 'MD5' }),
  ...refused('invalid ordering "table"', 'Write one of row, none, subscriber.', { ordering: 'table' }),

  ...refused('invalid hmac_secret: it has 5 characters, and needs 16 to 500', NEW_SECRET, { hmac_secret: 'short' }),
  ...refused('invalid hmac_secret: it is null', NEW_SECRET, { hmac_secret: null }),
  ...refused(
    'invalid hmac_secret: what follows whsec_ is not base64',
    NEW_SECRET,
    { hmac_secret: 'whsec_not-base64-at-all!' },
    { hmac_secret: 'whsec_MfKQ9r8GKYqrTw' },
  ),
  ...refused('invalid hmac_secret: what follows whsec_ holds fewer than 16 bytes', NEW_SECRET, {
    hmac_secret: 'whsec_MfKQ9r8GKYqr',
  }),
  ...refused('invalid hmac_secret_old: it has 5 characters, and needs 16 to 500', NEW_SECRET, {
    hmac_secret_old: 'short',
    hmac_secret_old_until: '2030-01-01',
  }),
  ...refused(
    'invalid hmac_secret_old_until: it and hmac_secret_old are set together or not at all',
    BOTH_SECRETS,
    { hmac_secret_old_until: '2030-01-01' },
    { hmac_secret_old: '0123456789abcdef' },
  ),

  ...refused(
    'invalid headers: it is not an object',
    'Write {"Authorization": "Bearer …"}, or {} for none.',
    { headers: [] },
    { headers: 'null' },
    { headers: null },
  ),
  ...RESERVED_HEADERS.flatMap((name) =>
    refused(`invalid headers: "${name}" is reserved`, TAKEN_HEADER, { headers: { [name]: 'v' } }),
  ),
  ...['X Y', 'X:Y', 'X\r\nY', 'X-é', ''].flatMap((name) =>
    refused(`invalid headers: "${name}" is not a header's name`, 'Write letters, digits and hyphens: "X-Token".', {
      headers: { [name]: 'v' },
    }),
  ),
  ...refused(
    'invalid headers: the value of "X-A" has a line break or a character beyond ASCII',
    'Write printable ASCII; percent-encode or base64 the rest.',
    ...['a\r\nHost: b', 'a\nb', 'a\n', 'é', 'a\u007f'].map((value) => ({ headers: { 'X-A': value } })),
  ),
  ...refused('invalid headers: the value of "X-A" begins or ends with a space', 'Write it without.', {
    headers: { 'X-A': ' a' },
  }),
  ...refused('invalid headers: the value of "X-A" is not a text', 'Write {"X-A": "…"}.', { headers: { 'X-A': 1 } }),
  ...refused('invalid headers: "x-a" is there twice, in upper and lower case', 'Keep one of them.', {
    headers: { 'X-A': '1', 'x-a': '2' },
  }),
  ...refused('invalid headers: "X-A" is too long', 'A name may have 200 characters, a value 4096.', {
    headers: { 'X-A': 'x'.repeat(4097) },
  }),
  ...refused('invalid headers: there are 51, 50 are the limit', 'Write fewer.', {
    headers: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`X-${i}`, 'v'])),
  }),

  ...refused('invalid concurrency: 0 is out of range', 'Write something from 1 to 1000.', { concurrency: 0 }),
  ...refused('invalid concurrency: it is null', 'Write something from 1 to 1000.', { concurrency: null }),
  ...[0, -1, 'NaN', 1_000_001].flatMap((rate) =>
    refused(`invalid rate_limit: ${rate} a second is out of range`, RATE, { rate_limit: rate }),
  ),
  ...refused('invalid batch_size: 1001 is out of range', 'Write something from 1 to 1000.', { batch_size: 1001 }),
  ...refused(
    'invalid batch_size: a form cannot carry a batch',
    `Write batch_size = 1, or content_type = 'application/json'.`,
    { batch_size: 2, content_type: 'application/x-www-form-urlencoded' },
  ),
  ...refused('invalid batch_wait: 61 seconds is out of range', 'Write something from 0 to 60 seconds.', {
    batch_wait: '61 seconds',
  }),
  ...refused('invalid batch_wait: -1 seconds is out of range', 'Write something from 0 to 60 seconds.', {
    batch_wait: '-1 second',
  }),
  ...refused('invalid timeout: 0.5 seconds is out of range', 'Write something from 1 to 60 seconds.', {
    timeout: '500 ms',
  }),
  ...refused('invalid timeout: 2592000 seconds is out of range', 'Write something from 1 to 60 seconds.', {
    timeout: '1 month',
  }),

  ...refused(
    'invalid retry: it says neither "schedule" nor "max"',
    RETRY,
    ...['true', '3', '[]', '{}', 'null'].map((retry) => ({ retry })),
  ),
  ...refused('invalid retry: unknown key "times"', RETRY, { retry: { times: 3 } }),
  ...refused(
    'invalid retry: "max" is not a whole number from 0 to 1000',
    RETRY,
    ...[1.5, -1, 1001, '3', [3], null].map((max) => ({ retry: { max } })),
  ),
  ...refused(
    'invalid retry: "schedule" is not a list of 1 to 1000 waits',
    RETRY,
    ...['5s', [], {}, null].map((schedule) => ({ retry: { schedule } })),
  ),
  ...refused('invalid retry: "5" is not a duration', 'Write 500ms, 15s, 5m, 2h or 7d.', { retry: { schedule: ['5'] } }),
  ...refused('invalid retry: 5 is not a duration', 'Write 500ms, 15s, 5m, 2h or 7d.', { retry: { schedule: [5] } }),
  ...refused('invalid retry: "8d" is too long to wait', 'Write at most "7d".', { retry: { schedule: ['8d'] } }),
  ...refused(
    'invalid config: it is not an object of at most 65536 bytes',
    'Write {"key": "value"}.',
    { config: [] },
    { config: { a: 'x'.repeat(65_536) } },
  ),
  ...refused('invalid active: it is null', 'Write true or false.', { active: null }),
  ...refused('invalid id, created_at or updated_at: it is null', 'Leave them out.', { id: null }, { created_at: null }),
]

function refused(message: string, hint: string, ...rows: SubscriberColumns[]): Refused[] {
  return rows.map((columns) => ({ columns, message, hint, shown: JSON.stringify(columns).slice(0, 100) }))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

describe.each(SERVER_KINDS)('hookd.subscribers on %s', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
  })

  test.each(REFUSED)('refuses $shown: $message', async ({ columns, message, hint }) => {
    const refusal = await refusalOf(insertSubscriber(db, columns))
    expect(refusal).toEqual({ code: '23514', message, hint, column: /^invalid (\w+)/.exec(message)?.[1] })
  })

  test('refuses no header and no retry that the daemon would take', () => {
    const taken = REFUSED.filter(({ columns: { headers, retry } }) => {
      if (retry !== undefined)
        return parseRetry(typeof retry === 'string' ? JSON.parse(retry) : retry, DEFAULT_RETRY).retry
      return isRecord(headers) && headersProblem(headers) === null
    })
    expect(taken).toEqual([])
  })

  test('refuses by an update what it refuses by an insert', async () => {
    const { id } = await insertSubscriber(db)
    const refusal = await refusalOf(
      db.query(`update hookd.subscribers set headers = '{"Host": "x"}' where id = $1`, [id]),
    )
    expect(refusal.message).toBe('invalid headers: "Host" is reserved')
  })

  test('judges only what an update changes', async () => {
    const { id } = await insertSubscriber(db)
    await db.query('alter table hookd.subscribers disable trigger subscribers_validate')
    await db.query(`update hookd.subscribers set url = 'ftp://e.com' where id = $1`, [id])
    await db.query('alter table hookd.subscribers enable trigger subscribers_validate')

    await db.query(`update hookd.subscribers set label = 'still broken', disabled_reason = 'bad URL' where id = $1`, [
      id,
    ])
    const refusal = await refusalOf(db.query(`update hookd.subscribers set url = 'ftp://f.com' where id = $1`, [id]))
    expect(refusal.message).toBe('invalid url: the scheme "ftp" cannot be posted to')
  })

  test('repeats no secret, header or URL in a refusal', async () => {
    const canary = 'canary-7f3a'
    const rows = [
      { hmac_secret: canary },
      { hmac_secret: `whsec_${canary}` },
      { headers: { Authorization: `é ${canary}` } },
      { headers: { Host: canary } },
      { url: `ftp://e.com/?token=${canary}` },
      { url: `http://${canary}@e.com/` },
      { hmac_secret: `${canary}-long-enough`, created_at: null },
      { hmac_secret: `${canary}-long-enough`, batch_wait: null },
    ]
    for (const row of rows) {
      const error: unknown = await insertSubscriber(db, row).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(canary)
    }
  })
})
