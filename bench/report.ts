import type { BenchCase } from './cases.ts'
import type { Plugin } from '../test/support/database.ts'
import type { Pairs } from './repeat.ts'
import { median, medianOf, quantile } from './statistics.ts'

/** One line of the table; null: not measured, or not applicable. */
export interface Row {
  readonly case: string
  readonly plugin: Plugin
  readonly perSecond: number
  /** To `against`, pair by pair; the median. */
  readonly ratio: number | null
  readonly against: string | null
  readonly rssMiB: number | null
  /** CPU seconds for 100,000 events. */
  readonly cpuPer100k: number | null
  readonly postgresCpuPer100k: number | null
  readonly sinkShare: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
  readonly target: string | null
  readonly isMet: boolean | null
  readonly note: string
}

/** Medians of one case. */
export function rowOf(benchCase: BenchCase, plugin: Plugin, { subject, baseline }: Pairs): Row {
  const { key, title, against, target } = benchCase
  const ratios = subject.flatMap((one, at) => (baseline[at] ? [one.perSecond / baseline[at].perSecond] : []))
  const ratio = ratios.length > 0 ? median(ratios) : null
  const latency = (share: number) =>
    medianOf(subject, ({ latenciesMs }) => (latenciesMs.length > 0 ? quantile(latenciesMs, share) : null))
  return {
    case: key,
    plugin,
    perSecond: median(subject.map(({ perSecond }) => perSecond)),
    ratio,
    against,
    rssMiB: medianOf(subject, ({ rssMiB }) => rssMiB),
    cpuPer100k: medianOf(subject, ({ cpuPer100k }) => cpuPer100k),
    postgresCpuPer100k: medianOf(subject, ({ postgresCpuPer100k }) => postgresCpuPer100k),
    sinkShare: medianOf(subject, ({ sinkShare }) => sinkShare),
    p50Ms: latency(0.5),
    p99Ms: latency(0.99),
    maxMs: latency(1),
    target: target?.text ?? null,
    isMet: target === null || ratio === null ? null : ratio >= target.atLeast,
    note: title,
  }
}

/** The rows as text for people. */
export function table(rows: readonly Row[]): string {
  const head = [
    'case',
    'plugin',
    'per second',
    'ratio',
    'to',
    'CPU s',
    'Postgres CPU s',
    'sink',
    'peak MiB',
    'p50 ms',
    'p99 ms',
    'max ms',
    'target',
    'met',
    'what',
  ]
  const lines = rows.map((row) => [
    row.case,
    row.plugin,
    fixed(row.perSecond, 0),
    fixed(row.ratio, 2),
    row.against ?? '',
    fixed(row.cpuPer100k, 2),
    fixed(row.postgresCpuPer100k, 2),
    row.sinkShare === null ? '' : `${fixed(row.sinkShare * 100, 0)} %`,
    fixed(row.rssMiB, 0),
    fixed(row.p50Ms, 1),
    fixed(row.p99Ms, 1),
    fixed(row.maxMs, 1),
    row.target ?? '',
    row.isMet === null ? '' : row.isMet ? 'yes' : 'no',
    row.note,
  ])
  const all = [head, ...lines]
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]!.length)))
  return all
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function fixed(value: number | null, digits: number): string {
  return value === null || Number.isNaN(value) ? '' : value.toFixed(digits)
}
