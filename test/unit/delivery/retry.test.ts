import { expect, test } from 'vitest'
import type { Answer, FailureClass } from '../../../src/delivery/outcome.ts'
import { parseRetryAfter } from '../../../src/delivery/retry-after.ts'
import { decide, failureClass } from '../../../src/delivery/retry.ts'

const NOW = Date.UTC(2026, 0, 13, 23, 0, 0)
const HOUR = 3_600_000

function answered(status: number, retryAfter: string | null = null): Answer {
  return { kind: 'response', status, retryAfter, location: null, body: Buffer.alloc(0), durationMs: 1 }
}

function failed(failure: FailureClass): Answer {
  return { kind: 'failure', failure, message: 'it failed', durationMs: 1 }
}

function after(answer: Answer, { attempts = 1, scheduleMs = [5000, 60_000], random = (): number => 0 } = {}) {
  return decide(answer, { attempts, policy: { scheduleMs }, random, now: NOW })
}

test.each([200, 201, 202, 204, 299])('%i is delivered', (status) => {
  expect(after(answered(status))).toEqual({ kind: 'delivered' })
})

test.each([301, 302, 303, 307, 308, 304, 400, 401, 403, 404, 422, 500, 501, 599])('%i is tried again', (status) => {
  expect(after(answered(status, '3600'))).toMatchObject({ kind: 'retry', afterMs: 5000, pauseMs: 0 })
})

test.each([408, 425, 429, 502, 503, 504])('%i is tried again and pauses the subscriber', (status) => {
  expect(after(answered(status))).toMatchObject({ kind: 'retry', afterMs: 5000, pauseMs: 5000 })
})

test.each<FailureClass>(['timeout', 'connect_timeout'])('%s is tried again and pauses the subscriber', (failure) => {
  expect(after(failed(failure))).toMatchObject({ kind: 'retry', afterMs: 5000, pauseMs: 5000 })
})

test.each<FailureClass>(['refused', 'reset', 'unreachable', 'dns_error', 'tls_error', 'bad_response'])(
  '%s is tried again',
  (failure) => {
    expect(after(failed(failure))).toEqual({ kind: 'retry', reason: 'it failed', afterMs: 5000, pauseMs: 0 })
  },
)

test.each<FailureClass>(['blocked_address', 'bad_url', 'bad_header', 'bad_secret'])(
  '%s is dead and disables the subscriber',
  (failure) => {
    expect(after(failed(failure))).toEqual({ kind: 'dead', reason: 'it failed', disable: 'it failed' })
  },
)

test('410 disables the subscriber and keeps the delivery', () => {
  expect(after(answered(410))).toEqual({ kind: 'gone', reason: 'answered 410' })
})

test.each([413, 415])('%i is dead at once', (status) => {
  expect(after(answered(status))).toMatchObject({ kind: 'dead', disable: null })
})

test("hookd's own fault is no attempt, also at the end of the schedule", () => {
  expect(after(failed('internal'), { attempts: 9 })).toEqual({ kind: 'uncharged', reason: 'it failed', afterMs: 1000 })
})

test.each([
  [1, { kind: 'retry', afterMs: 5000 }],
  [2, { kind: 'retry', afterMs: 60_000 }],
  [3, { kind: 'dead', reason: 'answered 500; gave up after 3 attempts', disable: null }],
])('attempt %i of a schedule of two gives %j', (attempts, outcome) => {
  expect(after(answered(500), { attempts })).toMatchObject(outcome)
})

test('an empty schedule means a single attempt', () => {
  const outcome = after(failed('refused'), { scheduleMs: [] })
  expect(outcome).toEqual({ kind: 'dead', reason: 'it failed; gave up after 1 attempt', disable: null })
})

test('jitter adds up to a fifth and takes nothing', () => {
  expect(after(answered(500), { random: () => 0.5 })).toMatchObject({ afterMs: 5500 })
  expect(after(answered(500), { random: () => 0.9999 })).toMatchObject({ afterMs: 6000 })
})

test('a redirect says that it was not followed', () => {
  expect(after(answered(302))).toMatchObject({ reason: 'answered 302; redirects are not followed' })
})

test.each([
  ['1', 5000, 5000],
  ['7200', 2 * HOUR, 2 * HOUR],
  ['99999999', 24 * HOUR, 24 * HOUR],
  ['9'.repeat(400), 24 * HOUR, 24 * HOUR],
  ['Wed, 14 Jan 2026 01:00:00 GMT', 2 * HOUR, 2 * HOUR],
  ['never', 5000, 5000],
])('Retry-After %s of a 503 makes the delivery wait %i ms and the subscriber %i ms', (retryAfter, afterMs, pauseMs) => {
  expect(after(answered(503, retryAfter))).toMatchObject({ afterMs, pauseMs })
})

test('a late attempt pauses the subscriber for no more than a minute unless it asks for more', () => {
  const late = { attempts: 1, scheduleMs: [20 * HOUR] }
  expect(after(failed('timeout'), late)).toMatchObject({ afterMs: 20 * HOUR, pauseMs: 60_000 })
  expect(after(answered(429, '300'), late)).toMatchObject({ afterMs: 20 * HOUR, pauseMs: 300_000 })
})

test.each([
  ['0', 0],
  [' 120 ', 120_000],
  ['Tue, 13 Jan 2026 23:00:30 GMT', 30_000],
  ['Tuesday, 13-Jan-26 23:00:30 GMT', 30_000],
  ['Tue Jan 13 23:00:30 2026', 30_000],
  ['Tue, 13 Jan 2026 22:00:00 GMT', 0],
  ['Tue, 32 Jan 2026 23:00:30 GMT', null],
  ['2026-01-13T23:00:30Z', null],
  ['1.5', null],
  ['-1', null],
  ['', null],
  ['soon', null],
])('Retry-After %j asks for %j ms', (text, milliseconds) => {
  expect(parseRetryAfter(text, NOW)).toBe(milliseconds)
})

test.each<[Answer, FailureClass | null]>([
  [answered(204), null],
  [answered(302), 'redirect_refused'],
  [answered(500), 'status'],
  [failed('tls_error'), 'tls_error'],
])('the failure class of %j is %j', (answer, expected) => {
  expect(failureClass(answer)).toBe(expected)
})
