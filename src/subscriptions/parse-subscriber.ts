import type { Envelope, RetryPolicy } from '../matching/event.ts'
import { isDigest, isEnvelope, isOrdering } from './choices.ts'
import type { ContentType, Subscriber } from './subscriber.ts'

/** A row of `hookd.subscribers` as its columns' text forms. */
export type SubscriberRow = Readonly<Record<string, string | null>>

/** What the parser takes from other stages. */
export interface SubscriberRules {
  /** Parses JSON without rounding numbers, for what conditions and schedules are read from. */
  parseJson(text: string): unknown
  /** `{"schedule": ["5s"]}` and the like; throws an Error with a sentence. */
  parseRetry(value: unknown): RetryPolicy
  /** Milliseconds of an interval that Postgres printed; throws an Error with a sentence. */
  parseInterval(text: string): number
  /** Why an event pattern can match nothing; null where it can. */
  eventProblem(pattern: string): string | null
  /** Why a URL can never be sent to, whatever `recipients` says; null where it can. */
  urlProblem(url: string): string | null
  /** Why a header may not be sent; null where it may. */
  headerProblem(name: string, value: string): string | null
  /** Why a secret cannot sign; null where it can. */
  secretProblem(secret: string): string | null
}

/**
 * Turns a row into a subscriber. A row that cannot be used all the same (its trigger was disabled, an older version
 * wrote it) comes back disabled, with the reason in `problem`, so that everything else runs on.
 */
export function parseSubscriber(
  row: SubscriberRow,
  rules: SubscriberRules,
): { subscriber: Subscriber; problem: string | null } {
  const id = row['id'] ?? ''
  try {
    return { subscriber: parse(id, row, rules), problem: null }
  } catch (error) {
    const problem = `invalid row: ${error instanceof Error ? error.message : String(error)}`
    return { subscriber: { ...EMPTY, ...readableParts(row, rules), id, disabledReason: problem }, problem }
  }
}

/**
 * What decides which deliveries are kept, and in which form, until the row is mended. A row whose filter cannot be read
 * gets none: it would get those of others.
 */
function readableParts(row: SubscriberRow, rules: SubscriberRules): Partial<Subscriber> {
  const filter = attempt(() => ({ filter: json(row, 'filter', rules) }))
  return {
    event: filter === null ? '' : (row['event'] ?? ''),
    ...filter,
    url: row['url'] ?? '',
    owner: row['owner'] ?? null,
    ...attempt(() => ({ contentType: contentType(text(row, 'content_type')) })),
    ...attempt(() => ({ envelope: choice(row, 'envelope', isEnvelope) })),
    ...attempt(() => ({ ordering: choice(row, 'ordering', isOrdering) })),
    ...attempt(() => ({ config: record(plainJson(row, 'config')) })),
  }
}

function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

function parse(id: string, row: SubscriberRow, rules: SubscriberRules): Subscriber {
  const headers = stringRecord(plainJson(row, 'headers') ?? {})
  const secret = text(row, 'hmac_secret')
  const oldSecret = row['hmac_secret_old'] ?? null
  const problems = [
    rules.eventProblem(text(row, 'event')),
    rules.urlProblem(text(row, 'url')),
    ...Object.entries(headers).map(([name, value]) => rules.headerProblem(name, value)),
    ...[secret, oldSecret].map((key) => (key === null ? null : rules.secretProblem(key))),
    batchProblem(row),
  ]
  const problem = problems.find((found) => found !== null)
  if (problem !== undefined) throw new Error(problem)
  const retry = json(row, 'retry', rules)
  const until = row['hmac_secret_old_until'] ?? null
  return {
    id,
    event: text(row, 'event'),
    url: text(row, 'url'),
    owner: row['owner'] ?? null,
    filter: json(row, 'filter', rules),
    contentType: contentType(text(row, 'content_type')),
    envelope: envelope(row),
    secret,
    oldSecret,
    oldSecretUntil: until === null ? null : timestampMs(until),
    digest: choice(row, 'hmac_digest', isDigest),
    headers,
    ordering: choice(row, 'ordering', isOrdering),
    concurrency: wholeNumber(row, 'concurrency', 1, 1000),
    rateLimit: row['rate_limit'] ? positive(row, 'rate_limit') : null,
    batchSize: wholeNumber(row, 'batch_size', 1, 1000),
    batchWaitMs: within(rules.parseInterval(text(row, 'batch_wait')), { column: 'batch_wait', least: 0 }),
    timeoutMs: row['timeout'] ? within(rules.parseInterval(row['timeout']), { column: 'timeout', least: 1 }) : null,
    retry: retry === null ? null : rules.parseRetry(retry),
    active: row['active'] === 't' || row['active'] === 'true',
    disabledReason: row['disabled_at'] ? (row['disabled_reason'] ?? 'disabled') : null,
    config: record(plainJson(row, 'config')),
    isStatic: false,
  }
}

/** What a subscriber without any settings of its own has; also the base of those that hookd.yaml declares. */
export const EMPTY: Subscriber = {
  id: '',
  event: '',
  url: '',
  owner: null,
  filter: null,
  contentType: 'application/json',
  envelope: 'hookd' satisfies Envelope,
  secret: null,
  oldSecret: null,
  oldSecretUntil: null,
  digest: 'sha256',
  headers: {},
  ordering: 'row',
  concurrency: 8,
  rateLimit: null,
  batchSize: 1,
  batchWaitMs: 0,
  timeoutMs: null,
  retry: null,
  active: true,
  disabledReason: null,
  config: null,
  isStatic: false,
}

function text(row: SubscriberRow, column: string): string {
  const value = row[column]
  if (value === undefined || value === null) throw new Error(`${column} is missing`)
  return value
}

function json(row: SubscriberRow, column: string, rules: SubscriberRules): unknown {
  const value = row[column]
  return value === undefined || value === null ? null : rules.parseJson(value)
}

function plainJson(row: SubscriberRow, column: string): unknown {
  const value = row[column]
  return value === undefined || value === null ? null : JSON.parse(value)
}

function choice<T extends string>(row: SubscriberRow, column: string, is: (value: string) => value is T): T {
  const value = text(row, column).toLowerCase()
  if (!is(value)) throw new Error(`${column} "${value}" is unknown`)
  return value
}

function contentType(value: string): ContentType {
  if (value === 'application/json' || value === 'application/x-www-form-urlencoded') return value
  throw new Error(`content_type "${value}" is unknown`)
}

function envelope(row: SubscriberRow): Envelope {
  const chosen = choice(row, 'envelope', isEnvelope)
  if (chosen === 'cloudevents' && text(row, 'content_type') !== 'application/json')
    throw new Error('envelope "cloudevents" is JSON')
  return chosen
}

function wholeNumber(row: SubscriberRow, column: string, least: number, most: number): number {
  const value = Number(text(row, column))
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${column} must be a whole number from ${least} to ${most}`)
  }
  return value
}

const MOST_SECONDS = 60

function within(ms: number, { column, least }: { column: string; least: number }): number {
  if (ms >= least * 1000 && ms <= MOST_SECONDS * 1000) return ms
  throw new Error(`${column} must be from ${least} to ${MOST_SECONDS} seconds`)
}

function batchProblem(row: SubscriberRow): string | null {
  const isForm = row['content_type'] === 'application/x-www-form-urlencoded'
  return isForm && row['batch_size'] !== '1' ? 'a form cannot carry a batch' : null
}

function positive(row: SubscriberRow, column: string): number {
  const value = Number(text(row, column))
  if (!(value > 0)) throw new Error(`${column} must be more than 0`)
  return value
}

function timestampMs(value: string): number {
  if (value === 'infinity' || /^\d{5,}-/.test(value)) return Infinity
  if (value === '-infinity' || value.endsWith(' BC')) return 0
  const ms = Date.parse(value.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'))
  if (Number.isNaN(ms)) throw new Error('hmac_secret_old_until cannot be read')
  return ms
}

function record(value: unknown): Readonly<Record<string, unknown>> | null {
  if (value === null) return null
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error('config must be a JSON object')
  return value as Record<string, unknown>
}

function stringRecord(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(record(value) ?? {})
  if (entries.some(([, entry]) => typeof entry !== 'string'))
    throw new Error('headers must be a JSON object of strings')
  return Object.fromEntries(entries) as Record<string, string>
}
