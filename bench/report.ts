import type { Plugin } from '../test/support/database.ts'
import type { CaseInfo } from './cases.ts'
import type { Measurement } from './measure.ts'
import type { Pairs } from './repeat.ts'
import { median, medianOf, quantile } from './statistics.ts'

/** One line of the table: medians; null: not measured, or not applicable. */
export interface Row {
  readonly case: string
  readonly plugin: Plugin | null
  readonly perSecond: number
  /** To `against`: the median of the ratios of the pairs. */
  readonly ratio: number | null
  readonly against: string | null
  /** Of what it is compared with. */
  readonly baselinePerSecond: number | null
  readonly rssMiB: number | null
  /** CPU seconds for 100,000 events. */
  readonly cpuPer100k: number | null
  readonly postgresCpuPer100k: number | null
  /** The sink's share of one processor. */
  readonly sinkShare: number | null
  readonly bodyBytes: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
  readonly statementsPerDelivery: number | null
  /** Deliveries by way of hookd's tables, in one run. */
  readonly stored: number | null
  readonly target: string | null
  readonly isMet: boolean | null
  readonly note: string
}

/** Reads the figure that a ratio is made of. */
export type Figure = (measurement: Measurement) => number

/** Medians of one case. */
export function rowOf(
  { key, title, against, target }: CaseInfo,
  plugin: Plugin | null,
  { subject, baseline }: Pairs,
  figure: Figure = ({ perSecond }) => perSecond,
): Row {
  const of = (read: (one: Measurement) => number | null) => medianOf(subject, read)
  const ratios = baseline.map((other, at) => figure(subject[at]!) / figure(other))
  const ratio = ratios.length > 0 ? median(ratios) : null
  const latency = (share: number) => of((one) => latencyOf(one, share))
  return {
    case: key,
    plugin,
    perSecond: median(subject.map(({ perSecond }) => perSecond)),
    ratio,
    against,
    baselinePerSecond: medianOf(baseline, ({ perSecond }) => perSecond),
    rssMiB: of(({ rssMiB }) => rssMiB),
    cpuPer100k: of(({ cpuPer100k }) => cpuPer100k),
    postgresCpuPer100k: of(({ postgresCpuPer100k }) => postgresCpuPer100k),
    sinkShare: of(({ sinkShare }) => sinkShare),
    bodyBytes: of(({ bodyBytes }) => bodyBytes),
    p50Ms: latency(0.5),
    p99Ms: latency(0.99),
    maxMs: latency(1),
    stored: of(({ stored }) => stored),
    statementsPerDelivery: of((one) => one.statementsPerDelivery),
    target: target?.text ?? null,
    isMet: target === null ? null : target.isMet(ratio ?? Number.NaN, of),
    note: title,
  }
}

/** The latency that a share of the events did not exceed; null where none was measured. */
export function latencyOf({ latenciesMs }: Measurement, share: number): number | null {
  return latenciesMs.length > 0 ? quantile(latenciesMs, share) : null
}

interface Column {
  readonly head: string
  cell(row: Row): string
}

const COLUMNS: readonly Column[] = [
  { head: 'case', cell: (row) => row.case },
  { head: 'plugin', cell: (row) => row.plugin ?? '' },
  { head: 'events/s', cell: (row) => fixed(row.perSecond, 0) },
  { head: 'ratio', cell: (row) => fixed(row.ratio, 2) },
  { head: 'to', cell: (row) => row.against ?? '' },
  { head: 'CPU s', cell: (row) => fixed(row.cpuPer100k, 1) },
  { head: 'PG CPU s', cell: (row) => fixed(row.postgresCpuPer100k, 1) },
  { head: 'MiB', cell: (row) => fixed(row.rssMiB, 0) },
  { head: 'p50 ms', cell: (row) => fixed(row.p50Ms, 1) },
  { head: 'p99 ms', cell: (row) => fixed(row.p99Ms, 1) },
  { head: 'max ms', cell: (row) => fixed(row.maxMs, 1) },
  { head: 'statements', cell: (row) => fixed(row.statementsPerDelivery, 2) },
  { head: 'stored', cell: (row) => fixed(row.stored, 0) },
  { head: 'sink', cell: ({ sinkShare }) => (sinkShare === null ? '' : `${fixed(sinkShare * 100, 0)} %`) },
  { head: 'target', cell: (row) => row.target ?? '' },
  { head: 'met', cell: ({ isMet }) => (isMet === null ? '' : isMet ? 'yes' : 'no') },
  { head: 'what', cell: (row) => row.note },
]

/** The rows as one table in Markdown, in columns for people too. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => COLUMNS.map(({ cell }) => cell(row)))
  const widths = COLUMNS.map(({ head }, at) => Math.max(head.length, 3, ...cells.map((line) => line[at]!.length)))
  const line = (texts: readonly string[]) => `| ${texts.map((text, at) => text.padEnd(widths[at]!)).join(' | ')} |`
  const rule = widths.map((width) => '-'.repeat(width))
  return [COLUMNS.map(({ head }) => head), rule, ...cells].map(line).join('\n')
}

function fixed(value: number | null, digits: number): string {
  return value === null || Number.isNaN(value) ? '' : value.toFixed(digits)
}
