import type { RetryPolicy } from '../matching/event.ts'
import { JsonNumber, JsonObject } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import { parseDuration } from './duration.ts'

/** The delays between attempts where nothing else is said: eleven attempts within 76 hours. */
export const DEFAULT_RETRY: RetryPolicy = {
  scheduleMs: ['5s', '1m', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h'].map((text) => parseDuration(text) ?? 0),
}

const MAX_RETRIES = 1000
const MAX_DELAY_MS = 7 * 86_400_000
const FORMS = 'write {schedule: [5s, 1m, 5m]}, {max: 3}, or false for a single attempt'

export interface RetryProblem {
  /** Keys and indexes that lead to the bad value. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

export interface RetryResult {
  readonly retry: RetryPolicy | null
  readonly problems: readonly RetryProblem[]
}

/**
 * Reads a retry setting, from hookd.yaml or from `hookd.subscribers.retry`.
 *
 * `false` is a single attempt. `{schedule: [5s, 1m]}` gives the delays, so one more attempt than entries. `{max: n}` is n
 * retries after the first attempt: it cuts the schedule beside it, else the inherited one, or repeats its last delay.
 * `retry` is null where there are problems.
 */
export function parseRetry(value: JsonValue, inherited: RetryPolicy): RetryResult {
  if (value === false) return { retry: { scheduleMs: [] }, problems: [] }
  const problems: RetryProblem[] = []
  const keys = value instanceof JsonObject ? value.entries.map(([key]) => key) : []
  for (const key of keys) {
    if (key !== 'schedule' && key !== 'max') problems.push({ path: [key], message: `unknown key; ${FORMS}` })
  }
  if (!(value instanceof JsonObject) || keys.length === 0) problems.push({ path: [], message: FORMS })
  else if (problems.length === 0) {
    const scheduleMs = readSchedule(value.get('schedule'), inherited, problems)
    const count = readMax(value.get('max'), scheduleMs.length, problems)
    const last = scheduleMs.at(-1) ?? 0
    if (problems.length === 0) {
      return { retry: { scheduleMs: Array.from({ length: count }, (_, i) => scheduleMs[i] ?? last) }, problems }
    }
  }
  return { retry: null, problems }
}

function readSchedule(
  value: JsonValue | undefined,
  inherited: RetryPolicy,
  problems: RetryProblem[],
): readonly number[] {
  // A `max` after `retry: false` counts on the default schedule, because an empty one has no delay to repeat.
  if (value === undefined) return inherited.scheduleMs.length > 0 ? inherited.scheduleMs : DEFAULT_RETRY.scheduleMs
  const delays: readonly JsonValue[] = Array.isArray(value) ? value : []
  if (delays.length === 0 || delays.length > MAX_RETRIES) {
    problems.push({ path: ['schedule'], message: `must be a list of 1 to ${MAX_RETRIES} delays, such as [5s, 1m, 5m]` })
  }
  return delays.map((delay, index) => {
    const delayMs = typeof delay === 'string' ? parseDuration(delay) : null
    if (delayMs !== null && delayMs <= MAX_DELAY_MS) return delayMs
    problems.push({ path: ['schedule', index], message: 'must be a delay with a unit, at most 7d: 5s, 1m or 2h' })
    return 0
  })
}

function readMax(value: JsonValue | undefined, otherwise: number, problems: RetryProblem[]): number {
  if (value === undefined) return otherwise
  const count = value instanceof JsonNumber ? Number(value.source) : Number.NaN
  if (Number.isInteger(count) && count >= 0 && count <= MAX_RETRIES) return count
  problems.push({ path: ['max'], message: `must be a whole number of retries from 0 to ${MAX_RETRIES}` })
  return 0
}
