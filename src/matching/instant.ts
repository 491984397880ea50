const MICROS_PER_SECOND = 1_000_000n
const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND

/** Later than any date that Postgres can hold, which is in 5874897. */
const INFINITY = 1n << 80n

const CLOCK = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?`
const ZONE = String.raw`(?:\s*(Z|[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?))?`
const TIMESTAMP = new RegExp(String.raw`^(\d{4,7})-(\d{2})-(\d{2})(?:[T\s]${CLOCK}${ZONE})?(\sBC)?$`, 'i')
const TIME = new RegExp(`^${CLOCK}${ZONE}$`, 'i')

/**
 * Microseconds since 1970 of a date or timestamp, as Postgres prints it (DateStyle ISO) or in ISO 8601; undefined for
 * anything else. Without a zone it is UTC, without a time midnight. Knows `infinity`, `-infinity` and years BC.
 */
export function parseTimestamp(text: string): bigint | undefined {
  if (/^-?infinity$/i.test(text)) return text.startsWith('-') ? -INFINITY : INFINITY
  const match = TIMESTAMP.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction, zone, era] = match
  const days = daysSinceEpoch(era === undefined ? Number(year) : 1 - Number(year), Number(month), Number(day))
  const micros = hour === undefined ? 0n : microsOfDay({ hour, minute, second, fraction, zone })
  return days === undefined || micros === undefined ? undefined : BigInt(days) * MICROS_PER_DAY + micros
}

/** Microseconds since midnight UTC of a time of day, `23:12:52.205785` or `23:12+02`; undefined for anything else. */
export function parseTime(text: string): bigint | undefined {
  const [, hour, minute, second, fraction, zone] = TIME.exec(text) ?? []
  return hour === undefined ? undefined : microsOfDay({ hour, minute, second, fraction, zone })
}

interface Clock {
  readonly hour: string
  readonly minute: string | undefined
  readonly second: string | undefined
  readonly fraction: string | undefined
  readonly zone: string | undefined
}

function microsOfDay({ hour, minute = '0', second = '0', fraction = '', zone }: Clock): bigint | undefined {
  // Postgres takes 24:00:00 and a leap second.
  if (Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return undefined
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offsetSeconds(zone)
  return BigInt(seconds) * MICROS_PER_SECOND + BigInt(Math.round(Number(`0.${fraction || '0'}`) * 1e6))
}

function offsetSeconds(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0
  const digits = zone.replace(/\D/g, '')
  const seconds = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2)))
  return (zone.startsWith('-') ? -1 : 1) * ((seconds[0] ?? 0) * 3600 + (seconds[1] ?? 0) * 60 + (seconds[2] ?? 0))
}

/** In the proleptic Gregorian calendar, where 1 BC is year 0; undefined for a day that does not exist. */
function daysSinceEpoch(year: number, month: number, day: number): number | undefined {
  // Date ends in 275760; the calendar repeats every 400 years, which have 146,097 days.
  const cycles = Math.floor(year / 400)
  const date = new Date(0)
  date.setUTCFullYear(2000 + (year - cycles * 400), month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return date.getTime() / 86_400_000 + (cycles - 5) * 146_097
}
