/** Milliseconds between 1970-01-01 and 2000-01-01, from where Postgres counts. */
const POSTGRES_EPOCH_MS = 946_684_800_000

/** Formats commit times; most follow the one before within the same second. */
export class CommitClock {
  #second = NaN
  #text = ''

  /** Microseconds since 2000-01-01 UTC -> `2026-01-13T23:12:52.205785Z`. */
  format(postgresMicros: bigint): string {
    const micros = Number(postgresMicros)
    const second = Math.floor(micros / 1e6)
    if (second !== this.#second) {
      this.#second = second
      this.#text = new Date(second * 1000 + POSTGRES_EPOCH_MS).toISOString().slice(0, -'000Z'.length)
    }
    return `${this.#text}${String(micros - second * 1e6).padStart(6, '0')}Z`
  }
}

const ISO_UTC = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/

/** `2026-01-13 23:12:52.2+00` -> `2026-01-13T23:12:52.200000Z`. Throws TypeError unless the session's TimeZone is UTC. */
export function parseCommitTime(text: string): string {
  const match = ISO_UTC.exec(text)
  if (!match) throw new TypeError(`the commit time ${JSON.stringify(text)} is not in UTC; set TimeZone to UTC`)
  const [, date, time, fraction = ''] = match
  return `${date}T${time}.${fraction.padEnd(6, '0')}Z`
}
