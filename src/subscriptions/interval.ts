const PART = /([+-]?\d+)\s+(years?|mons?|days?)/g
const CLOCK = /([+-])?(\d+):(\d\d):(\d\d(?:\.\d+)?)$/
const DAY_MS = 86_400_000
const PART_MS: Record<string, number> = { year: 365.25 * DAY_MS, mon: 30 * DAY_MS, day: DAY_MS }

/**
 * Milliseconds of an interval as Postgres prints it under IntervalStyle postgres: `1 day 00:00:01.5` -> 86401500.
 *
 * Throws an Error on anything else.
 */
export function parseInterval(text: string): number {
  let ms = 0
  let rest = text.replace(PART, (_, amount: string, unit: string) => {
    ms += Number(amount) * PART_MS[unit.replace(/s$/, '')]!
    return ''
  })
  rest = rest.replace(CLOCK, (_, sign: string | undefined, hours: string, minutes: string, seconds: string) => {
    const clock = (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1000
    ms += sign === '-' ? -clock : clock
    return ''
  })
  if (rest.trim() !== '' || text.trim() === '') throw new Error(`the interval "${text}" cannot be read`)
  return Math.round(ms)
}
