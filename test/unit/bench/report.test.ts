import { expect, test } from 'vitest'
import { type Measurement, NOT_MEASURED } from '../../../bench/measure.ts'
import { warningsIn } from '../../../bench/programs.ts'
import { latencyOf, rowOf, table } from '../../../bench/report.ts'
import { median, medianOf, quantile } from '../../../bench/statistics.ts'

const CASE = {
  key: 'a',
  title: 'one subscriber',
  against: 'bare',
  target: { text: 'at least 0.90 of bare', isMet: (ratio: number) => ratio >= 0.9 },
}

function ran(perSecond: number, more: Partial<Measurement> = {}): Measurement {
  return { ...NOT_MEASURED, perSecond, ...more }
}

test('the median of an even number of values lies between the middle two', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([10, 1, 2, 9])).toBe(5.5)
  expect(median([])).toBeNaN()
})

test('a figure that one run lacks has no median', () => {
  expect(medianOf([1, 2, null], (value) => value)).toBeNull()
  expect(medianOf([], (value) => value)).toBeNull()
})

test('a quantile is a value that occurred', () => {
  const values = Array.from({ length: 200 }, (_, at) => 200 - at)
  expect(quantile(values, 0.5)).toBe(100)
  expect(quantile(values, 0.99)).toBe(198)
  expect(quantile(values, 1)).toBe(200)
  expect(latencyOf(ran(1), 0.5)).toBeNull()
})

test('the ratio is taken pair by pair, so that a slow moment of the machine counts for neither', () => {
  const row = rowOf(CASE, 'wal2json', { subject: [ran(95), ran(10), ran(99)], baseline: [ran(100), ran(10), ran(110)] })
  expect(row).toMatchObject({ perSecond: 95, baselinePerSecond: 100, ratio: 0.95, isMet: true })
})

test('a row says what was measured, what it was to be, and whether it was', () => {
  const subject = [ran(80, { rssMiB: 120, cpuPer100k: 9, latenciesMs: [1, 2, 3] })]
  expect(rowOf(CASE, 'pgoutput', { subject, baseline: [ran(100)] })).toEqual({
    case: 'a',
    plugin: 'pgoutput',
    perSecond: 80,
    ratio: 0.8,
    against: 'bare',
    baselinePerSecond: 100,
    rssMiB: 120,
    cpuPer100k: 9,
    postgresCpuPer100k: null,
    sinkShare: null,
    bodyBytes: null,
    p50Ms: 2,
    p99Ms: 3,
    maxMs: 3,
    statementsPerDelivery: null,
    stored: null,
    target: 'at least 0.90 of bare',
    isMet: false,
    note: 'one subscriber',
  })
})

test('the table is Markdown with one line for each row, empty where nothing was measured', () => {
  const row = rowOf(CASE, 'wal2json', { subject: [ran(80)], baseline: [ran(100)] })
  const [head, rule, line, ...rest] = table([row]).split('\n')
  expect(head).toMatch(/^\| case \| plugin {3}\| events\/s \| ratio \|/)
  expect(rule).toMatch(/^\| -{4} \| -{8} \|/)
  expect(line).toMatch(/^\| a {4}\| wal2json \| 80 {7}\| 0\.80 {2}\| bare \| {7}\|.*\| no {2}\| one subscriber \|$/)
  expect(rest).toEqual([])
})

test('warnings of a program are read from its log, whole lines only', () => {
  const lines = [
    '{"level":30,"time":"now","msg":"ready"}',
    '{"level":40,"time":"now","slot":"a","msg":"the connection \\"broke\\""}',
    '{"level":50,"time":"now","msg":"it',
  ]
  expect(warningsIn(lines.join('\n'))).toEqual(['the connection \\"broke\\"'])
})
