import { describe, expect, test } from 'vitest'
import type { SubscriberRow, SubscriberRules } from '../../../src/subscriptions/parse-subscriber.ts'
import { EMPTY, parseSubscriber } from '../../../src/subscriptions/parse-subscriber.ts'

const RULES: SubscriberRules = {
  parseJson: (text) => JSON.parse(text) as unknown,
  parseRetry: (value) => {
    if (typeof value !== 'object') throw new Error('retry must be an object')
    return { scheduleMs: [5000] }
  },
  parseInterval: (text) => {
    if (text === 'never') throw new Error('the interval "never" cannot be read')
    return Number(text)
  },
  eventProblem: (pattern) => (pattern.includes('..') ? 'event: it has an empty part' : null),
  urlProblem: (url) => (url.startsWith('ftp:') ? 'the URL is not usable' : null),
  headerProblem: (name) => (name === 'Host' ? 'header "Host" is set by hookd' : null),
  secretProblem: (secret) => (secret.length < 16 ? 'a secret needs at least 16 characters' : null),
}

/** A row as its defaults leave it. */
const ROW: SubscriberRow = {
  id: '7',
  event: 'article.*',
  url: 'https://example.com/',
  owner: null,
  filter: null,
  content_type: 'application/json',
  envelope: 'hookd',
  hmac_secret: 'whsec_0123456789',
  hmac_secret_old: null,
  hmac_secret_old_until: null,
  hmac_digest: 'sha256',
  headers: '{}',
  ordering: 'row',
  concurrency: '8',
  rate_limit: null,
  batch_size: '1',
  batch_wait: '0',
  timeout: null,
  retry: null,
  active: 't',
  disabled_at: null,
  disabled_reason: null,
  config: null,
}

function parse(changes: SubscriberRow) {
  return parseSubscriber({ ...ROW, ...changes }, RULES)
}

test('a row as its defaults leave it', () => {
  expect(parse({})).toEqual({
    subscriber: { ...EMPTY, id: '7', event: 'article.*', url: 'https://example.com/', secret: 'whsec_0123456789' },
    problem: null,
  })
})

describe('a row is read', () => {
  test.each<[SubscriberRow, object]>([
    [{ owner: 'acme' }, { owner: 'acme' }],
    [{ filter: '{"a":1}' }, { filter: { a: 1 } }],
    [{ content_type: 'application/x-www-form-urlencoded' }, { contentType: 'application/x-www-form-urlencoded' }],
    [{ envelope: 'THORN' }, { envelope: 'thorn' }],
    [{ hmac_digest: 'SHA512' }, { digest: 'sha512' }],
    [{ headers: '{"X-A":"b"}' }, { headers: { 'X-A': 'b' } }],
    [
      { ordering: 'none', concurrency: '1000' },
      { ordering: 'none', concurrency: 1000 },
    ],
    [{ rate_limit: '0.5' }, { rateLimit: 0.5 }],
    [
      { batch_size: '10', batch_wait: '250' },
      { batchSize: 10, batchWaitMs: 250 },
    ],
    [
      { timeout: '3000', retry: '{}' },
      { timeoutMs: 3000, retry: { scheduleMs: [5000] } },
    ],
    [{ active: 'f' }, { active: false }],
    [{ active: 'true' }, { active: true }],
    [{ disabled_at: '2026-01-01 00:00:00+00', disabled_reason: 'answered 410' }, { disabledReason: 'answered 410' }],
    [{ disabled_at: '2026-01-01 00:00:00+00' }, { disabledReason: 'disabled' }],
    [{ disabled_reason: 'left over' }, { disabledReason: null }],
    [{ config: '{"path":"x"}' }, { config: { path: 'x' } }],
    [{ hmac_secret_old: 'another-secret-of-16' }, { oldSecret: 'another-secret-of-16' }],
    [
      { hmac_secret_old_until: '2026-01-13 23:12:52.205785+00' },
      { oldSecretUntil: Date.UTC(2026, 0, 13, 23, 12, 52, 205) },
    ],
    [{ hmac_secret_old_until: '2026-01-13 23:12:52+05:30' }, { oldSecretUntil: Date.UTC(2026, 0, 13, 17, 42, 52) }],
    [{ hmac_secret_old_until: 'infinity' }, { oldSecretUntil: Infinity }],
    [{ hmac_secret_old_until: '10000-01-01 00:00:00+00' }, { oldSecretUntil: Infinity }],
    [{ hmac_secret_old_until: '0044-03-15 00:00:00+00 BC' }, { oldSecretUntil: 0 }],
  ])('%o', (row, expected) => {
    const { subscriber, problem } = parse(row)
    expect(problem).toBeNull()
    expect(subscriber).toMatchObject(expected)
  })
})

describe('a broken row is disabled', () => {
  test.each<[SubscriberRow, string]>([
    [{ content_type: 'text/xml' }, 'content_type "text/xml" is unknown'],
    [{ envelope: 'soap' }, 'envelope "soap" is unknown'],
    [{ hmac_digest: 'md5' }, 'hmac_digest "md5" is unknown'],
    [{ ordering: 'random' }, 'ordering "random" is unknown'],
    [{ hmac_secret: 'short' }, 'a secret needs at least 16 characters'],
    [{ hmac_secret_old: 'short' }, 'a secret needs at least 16 characters'],
    [{ hmac_secret: null }, 'hmac_secret is missing'],
    [{ url: null }, 'url is missing'],
    [{ url: 'ftp://example.com/' }, 'the URL is not usable'],
    [{ event: null }, 'event is missing'],
    [{ event: 'a..b' }, 'event: it has an empty part'],
    [{ timeout: '999' }, 'timeout must be from 1 to 60 seconds'],
    [{ timeout: '60001' }, 'timeout must be from 1 to 60 seconds'],
    [{ batch_wait: '-1' }, 'batch_wait must be from 0 to 60 seconds'],
    [{ batch_wait: '60001' }, 'batch_wait must be from 0 to 60 seconds'],
    [{ content_type: 'application/x-www-form-urlencoded', batch_size: '2' }, 'a form cannot carry a batch'],
    [{ headers: '{"Host":"x"}' }, 'header "Host" is set by hookd'],
    [{ headers: '{"X":1}' }, 'headers must be a JSON object of strings'],
    [{ config: '[1]' }, 'config must be a JSON object'],
    [{ concurrency: '0' }, 'concurrency must be a whole number from 1 to 1000'],
    [{ batch_size: '1.5' }, 'batch_size must be a whole number from 1 to 1000'],
    [{ rate_limit: 'NaN' }, 'rate_limit must be more than 0'],
    [{ batch_wait: 'never' }, 'the interval "never" cannot be read'],
    [{ retry: '5' }, 'retry must be an object'],
    [{ hmac_secret_old_until: 'soon' }, 'hmac_secret_old_until cannot be read'],
  ])('%o', (row, problem) => {
    const parsed = parse(row)
    expect(parsed.problem).toBe(`invalid row: ${problem}`)
    expect(parsed.subscriber).toMatchObject({ id: '7', disabledReason: `invalid row: ${problem}` })
  })

  test('and keeps what decides who gets what, so that nobody gets what belongs to others', () => {
    const { subscriber } = parse({
      owner: 'acme',
      filter: '{"a":1}',
      envelope: 'raw',
      ordering: 'none',
      hmac_digest: 'md5',
    })
    expect(subscriber).toMatchObject({
      event: 'article.*',
      owner: 'acme',
      filter: { a: 1 },
      envelope: 'raw',
      ordering: 'none',
    })
  })

  test('and gets nothing where its filter cannot be read', () => {
    expect(parse({ filter: '{', owner: 'acme' }).subscriber).toMatchObject({ event: '', owner: 'acme' })
  })
})
