import type { RetryPolicy } from '../matching/event.ts'
import { numberText } from '../matching/operand.ts'
import type { Operand } from '../matching/operand.ts'
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
export function parseRetry(value: unknown, inherited: RetryPolicy): RetryResult {
  if (value === false) return { retry: { scheduleMs: [] }, problems: [] }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return failure([], FORMS)
  const problems = Object.keys(value)
    .filter((key) => key !== 'schedule' && key !== 'max')
    .map((key): RetryProblem => ({ path: [key], message: `unknown key "${key}"; ${FORMS}` }))
  const { schedule, max } = value as { schedule?: unknown; max?: unknown }
  if (schedule === undefined && max === undefined) return problems.length > 0 ? { retry: null, problems } : failure([], FORMS)
  const scheduleMs = schedule === undefined ? inheritedSchedule(inherited) : readSchedule(schedule, problems)
  const count = max === undefined ? scheduleMs.length : Number(numberText(max as Operand))
  if (!Number.isInteger(count) || count < 0 || count > MAX_RETRIES) {
    problems.push({ path: ['max'], message: `must be a whole number of retries from 0 to ${MAX_RETRIES}` })
  }
  if (problems.length > 0) return { retry: null, problems }
  const last = scheduleMs.at(-1) ?? 0
  return { retry: { scheduleMs: Array.from({ length: count }, (_, i) => scheduleMs[i] ?? last) }, problems: [] }
}

/** A `max` after `retry: false` counts on the default schedule, because an empty one has no delay to repeat. */
function inheritedSchedule(inherited: RetryPolicy): readonly number[] {
  return inherited.scheduleMs.length > 0 ? inherited.scheduleMs : DEFAULT_RETRY.scheduleMs
}

function readSchedule(value: unknown, problems: RetryProblem[]): number[] {
  const path = ['schedule']
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_RETRIES) {
    problems.push({ path, message: `must be a list of 1 to ${MAX_RETRIES} delays, such as [5s, 1m, 5m]` })
    return [0]
  }
  return value.map((item: unknown, index) => {
    const delayMs = typeof item === 'string' ? parseDuration(item) : null
    if (delayMs !== null && delayMs <= MAX_DELAY_MS) return delayMs
    problems.push({ path: ['schedule', index], message: 'must be a delay with a unit, at most 7d: 5s, 1m or 2h' })
    return 0
  })
}

function failure(path: readonly (string | number)[], message: string): RetryResult {
  return { retry: null, problems: [{ path, message }] }
}
