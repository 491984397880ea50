import type { DaemonFact, EndFact, Fact, FaultFact } from './history.ts'
import type { Duplicate } from './checker/arrivals.ts'
import { FAULT_KINDS } from './checker/findings.ts'
import type { Verdict } from './checker/check.ts'

/** What a run, or several of them, came to. */
export type Totals = Record<(typeof FAULT_KINDS)[number] | 'duplicates' | 'kills' | 'faults', number>

const NAMES = [...FAULT_KINDS, 'duplicates', 'kills', 'faults'] as const
/** What hookd may not have recorded when it dies: see "Ids" in docs/delivery.md. */
const UNRECORDED_MS = 100
const UNRECORDED_DELIVERIES = 200
/** Messages in the requests that may be in flight beside those: 8 for each subscriber, one of whom has batches of 20. */
const IN_FLIGHT = 8 * (17 + 20)

/** The sums that the last line shows. */
export function totalsOf(verdict: Verdict, facts: readonly Fact[]): Totals {
  const faults = facts.filter((fact) => fact.kind === 'fault')
  const found = FAULT_KINDS.map((kind) => [kind, verdict.findings.count(kind)])
  return {
    ...(Object.fromEntries(found) as Totals),
    duplicates: verdict.duplicates.length,
    kills: faults.reduce((sum, { kills }) => sum + kills, 0),
    faults: faults.length,
  }
}

export function addTotals(a: Totals, b: Totals): Totals {
  return Object.fromEntries(NAMES.map((name) => [name, a[name] + b[name]])) as Totals
}

/** `lost 0, phantom 0, …, faults 41` */
export function totalsLine(totals: Totals): string {
  return NAMES.map((name) => `${name} ${totals[name]}`).join(', ')
}

/** Whether anything was found that must not happen. */
export function isBad(totals: Totals): boolean {
  return FAULT_KINDS.some((kind) => totals[kind] > 0)
}

/** The whole report but its last line. */
export function reportLines(verdict: Verdict, facts: readonly Fact[]): string[] {
  const { counts, findings, duplicates } = verdict
  const end = facts.find((fact) => fact.kind === 'end')
  return [
    `${counts.transactions} transactions, ${counts.changes} changes, ${counts.expected} deliveries expected`,
    `${counts.arrived} arrived in ${counts.requests} requests; ${counts.dead} dead letters, ${counts.cancelled} cancelled, ${counts.parked} parked`,
    duplicatesLine(duplicates, counts.arrived),
    boundLine(verdict, facts),
    ...recoveryTable(facts.filter((fact) => fact.kind === 'fault')),
    endLine(end),
    ...FAULT_KINDS.flatMap((kind) => findings.examples(kind).map((sentence) => `${kind}: ${sentence}`)),
  ]
}

function duplicatesLine(duplicates: readonly Duplicate[], arrived: number): string {
  const other = duplicates.filter(({ sameId, sameBytes }) => !sameId || !sameBytes).length
  const share = ((100 * duplicates.length) / Math.max(arrived, 1)).toFixed(3)
  return `${duplicates.length} duplicates (${share} %), ${other} of them with another id or other bytes`
}

/** Each duplicate must have been answered shortly before a process lost its memory, or its slot. */
function boundLine({ duplicates, answered }: Verdict, facts: readonly Fact[]): string {
  const deaths = facts.filter((fact) => fact.kind === 'daemon').filter(isDeath)
  const beyond = duplicates.filter((duplicate) => !isWithinBound(duplicate, deaths, answered))
  const late = beyond.map(({ answeredAt, at }) => `${answeredAt}-${at}`).slice(0, 5)
  const list = late.length > 0 ? `: ${late.join(', ')}` : ''
  const bound = `${UNRECORDED_MS} ms, and ${UNRECORDED_DELIVERIES} deliveries beside those in flight`
  return `${beyond.length} duplicates were answered earlier before a crash than ${bound}${list}`
}

/** Also where another one has taken the slot over, or the time that an answer had went by while it was stopped. */
function isDeath({ event }: DaemonFact): boolean {
  return event !== 'started'
}

function isWithinBound({ answeredAt, at }: Duplicate, deaths: readonly DaemonFact[], answered: readonly number[]) {
  return deaths.some((death) => {
    if (death.at > at || death.at < answeredAt - UNRECORDED_MS) return false
    if (death.at - answeredAt <= UNRECORDED_MS) return true
    return countUpTo(answered, death.at) - countUpTo(answered, answeredAt) <= UNRECORDED_DELIVERIES + IN_FLIGHT
  })
}

/** How many of the ascending numbers are at most `limit`. */
function countUpTo(ascending: readonly number[], limit: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! <= limit) low = middle + 1
    else high = middle
  }
  return low
}

function recoveryTable(faults: readonly FaultFact[]): string[] {
  const alone = faults.filter(({ overlaps }) => !overlaps)
  const groups = [...Map.groupBy(alone, ({ fault }) => fault)].toSorted(([a], [b]) => a.localeCompare(b))
  const overlapping = faults.filter(({ overlaps }) => overlaps)
  const rows = [...groups, ['all of these', alone] as const, ['overlapping', overlapping] as const].map(
    ([name, list]) => {
      const times = list.map(({ recoveredMs }) => recoveredMs ?? Infinity).toSorted((a, b) => a - b)
      return [name, list.length, quantile(times, 0.5), quantile(times, 0.99), times.at(-1) ?? 0] as const
    },
  )
  const line = (cells: readonly (string | number)[]) =>
    cells.map((cell, at) => (at === 0 ? String(cell).padEnd(22) : String(cell).padStart(8))).join('')
  return [line(['recovery, ms', 'times', 'median', 'p99', 'max']), ...rows.map(line)]
}

function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0
}

function endLine(end: EndFact | undefined): string {
  if (!end) return 'the history has no end'
  return `${end.lagBytes} bytes of WAL not confirmed at the end${end.converged ? '' : '; it DID NOT CONVERGE in time'}`
}
