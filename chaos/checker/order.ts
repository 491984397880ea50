import { type Arrival, isBefore } from './arrivals.ts'
import type { Version } from './subscriber.ts'

interface OrderPorts {
  /** Tells what was given up, which nothing waits for. */
  isDead(arrival: Arrival): boolean
  /** All versions of the subscriber. */
  readonly versions: readonly Version[]
}

/**
 * Finds the first deliveries of one subscriber that break its ordering, a sentence each. `arrivals` are in the order of
 * commits, those of one change in that of the events' names.
 *
 * Under `row` a message arrives after those before it of the same row were answered, under `subscriber` after all. Where
 * the ordering is changed, what lies on either side of the change is not compared, nor what came when another one may
 * have been in force.
 */
export function disorderOf(arrivals: readonly Arrival[], { isDead, versions }: OrderPorts): string[] {
  const disorder: string[] = []
  let ordering = ''
  /** By row, the arrivals of the last change. */
  let last = new Map<string, Arrival[]>()
  for (const arrival of arrivals) {
    const { version, message } = arrival.expected
    if (version.ordering !== ordering) {
      ordering = version.ordering
      last = new Map()
    }
    if (ordering === 'none' || arrival.first === null) continue
    for (const line of ordering === 'row' ? message.rows : ['everything']) {
      const before = last.get(line) ?? []
      const isSameChange = before[0]?.expected.message.change === message.change
      for (const each of before) {
        if (isTooEarly(arrival, each) && !isDead(each) && isSettled(versions, arrival))
          disorder.push(sentence(arrival, each))
      }
      last.set(line, isSameChange ? [...before, arrival] : [arrival])
    }
  }
  return disorder
}

function sentence(arrival: Arrival, before: Arrival): string {
  const { id, ordering } = arrival.expected.version
  return `${describe(arrival)} came before ${describe(before)} was answered, to subscriber ${id} with ordering ${ordering}`
}

/** No other ordering can have been in force when it came. */
function isSettled(versions: readonly Version[], { expected: { version, position }, firstAt }: Arrival): boolean {
  return versions.every(({ upto, at, ordering }) => ordering === version.ordering || upto < position || at > firstAt)
}

function isTooEarly({ first }: Arrival, before: Arrival): boolean {
  return first !== null && (before.settled === null || !isBefore(before.settled, first))
}

function describe({ expected: { message, position }, first }: Arrival): string {
  return `${message.event} ${message.stamp} (transaction ${position}, request ${first?.request})`
}
