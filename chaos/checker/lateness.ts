import type { DaemonFact } from '../history.ts'
import type { Arrival } from './arrivals.ts'
import type { Version } from './subscriber.ts'

/** What is in flight ends within the timeout of hookd.yaml; the rest is for a busy machine. */
const IN_FLIGHT_MS = 5000

/** A request for a subscriber that may have been paused, disabled or removed by then. */
export interface Sighting {
  readonly at: number
  /** `request 12, item.changed 34, subscriber …` */
  readonly where: string
  readonly arrival: Arrival
  readonly versions: readonly Version[]
}

/**
 * Finds requests that came although hookd had long known that their subscriber was paused, disabled or removed.
 *
 * That it knew follows from something of a later transaction that had arrived, sent by the same process: one that was
 * started meanwhile reads part of the stream again, and sends what its subscriber was still to have at that point.
 */
export function lateSightings(
  sightings: readonly Sighting[],
  { arrivals, daemons }: { arrivals: Iterable<Arrival>; daemons: readonly DaemonFact[] },
): Sighting[] {
  const changes = daemons.map(({ at }) => at).toSorted((a, b) => a - b)
  const seen = [...arrivals].filter(({ first }) => first !== null).toSorted((a, b) => a.firstAt - b.firstAt)
  return sightings.filter((sighting) => {
    const end = endOf(sighting)
    if (end === null) return false
    const from = changes.findLast((at) => at <= sighting.at) ?? 0
    const until = sighting.at - IN_FLIGHT_MS
    if (from > until) return false
    for (let at = indexFrom(seen, from); at < seen.length && seen[at]!.firstAt <= until; at++) {
      if (seen[at]!.expected.position > end) return true
    }
    return false
  })
}

/** Index of the transaction that ended deliveries for the message, as of the time of the request; null where none did. */
function endOf({ at, arrival, versions }: Sighting): number | null {
  const { version, position } = arrival.expected
  const later = versions.filter((each) => each.from >= position && each.at <= at)
  const last = later.at(-1) ?? version
  if (last.isParked) return later.findLast((each, index) => each.isParked && !later[index - 1]?.isParked)?.from ?? null
  const isRemoved = versions.at(-1) === last && last.upto !== Infinity
  return isRemoved ? last.upto : null
}

function indexFrom(ascending: readonly Arrival[], at: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]!.firstAt < at) low = middle + 1
    else high = middle
  }
  return low
}
