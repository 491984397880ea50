/** Microseconds between 1970-01-01 and 2000-01-01, from where Postgres counts. */
const POSTGRES_EPOCH = 946_684_800_000_000n

/** Microseconds since 2000-01-01 UTC -> `2026-01-13T23:12:52.205785Z`. */
export function formatCommitTime(postgresMicros: bigint): string {
  const micros = postgresMicros + POSTGRES_EPOCH
  const text = new Date(Number(micros / 1000n)).toISOString()
  return `${text.slice(0, -1)}${String(micros % 1000n).padStart(3, '0')}Z`
}

const ISO_UTC = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/

/** `2026-01-13 23:12:52.2+00` -> `2026-01-13T23:12:52.200000Z`. Throws TypeError unless the session's TimeZone is UTC. */
export function parseCommitTime(text: string): string {
  const match = ISO_UTC.exec(text)
  if (!match) throw new TypeError(`the commit time ${JSON.stringify(text)} is not in UTC; set TimeZone to UTC`)
  const [, date, time, fraction = ''] = match
  return `${date}T${time}.${fraction.padEnd(6, '0')}Z`
}
