import { type Arrival, isBefore } from './arrivals.ts'

/**
 * The first deliveries of one subscriber that break its ordering, as sentences. `arrivals` are in the order of commits.
 *
 * Under `row` a message arrives after those before it of the same row were answered, under `subscriber` after all. Where
 * the ordering is changed, what lies on either side of the change is not compared. `isDead` tells what was given up,
 * which nothing waits for.
 */
export function misordered(arrivals: readonly Arrival[], isDead: (arrival: Arrival) => boolean): string[] {
  const faults: string[] = []
  let ordering = ''
  let last = new Map<string, Arrival>()
  for (const arrival of arrivals) {
    const { version, message } = arrival.expected
    if (version.ordering !== ordering) {
      ordering = version.ordering
      last = new Map()
    }
    if (ordering === 'none' || arrival.first === null) continue
    const lines = ordering === 'row' ? message.rows : ['everything']
    for (const line of lines) {
      const before = last.get(line)
      if (before && isTooEarly(arrival, before) && !isDead(before)) {
        const [one, other] = [describe(before), describe(arrival)]
        faults.push(`${other} came before ${one} was answered, to subscriber ${version.id} with ordering ${ordering}`)
      }
      last.set(line, arrival)
    }
  }
  return faults
}

function isTooEarly({ first }: Arrival, before: Arrival): boolean {
  return first !== null && (before.settled === null || !isBefore(before.settled, first))
}

function describe({ expected: { message, position }, first }: Arrival): string {
  return `${message.event} ${message.stamp} (transaction ${position}, request ${first?.request})`
}
