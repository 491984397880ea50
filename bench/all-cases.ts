import type { Plugin } from '../test/support/database.ts'
import type { Server } from '../test/support/server.ts'
import { Arena } from './arena.ts'
import { type BacklogPlace, changesOf, type CaseOptions, runBacklogCase } from './backlog-case.ts'
import { BACKLOG_CASES, type BacklogCase, type CaseInfo } from './cases.ts'
import { FAILURE_CASE, failureChanges, runFailureCase } from './failure-case.ts'
import { LATENCY_CASE, runLatencyCase } from './latency-case.ts'
import type { Place } from './measure.ts'
import { type Row, rowOf } from './report.ts'
import { SINK_CASE } from './sink-case.ts'
import type { Sink } from './start-sink.ts'
import { runTransactionCase, TRANSACTION_CASE } from './transaction-case.ts'
import { INSERTS, UPDATES, type Workload } from './workload.ts'

/** Every case, as `--only` takes them. */
export const ALL_CASES: readonly CaseInfo[] = [
  SINK_CASE,
  ...BACKLOG_CASES,
  TRANSACTION_CASE,
  LATENCY_CASE,
  FAILURE_CASE,
].toSorted((a, b) => rankOf(a) - rankOf(b))

/** What the cases of one plugin share. */
export interface Ground {
  readonly server: Server
  readonly plugin: Plugin
  readonly sink: Sink
}

export interface RunOptions extends CaseOptions {
  readonly only: readonly string[] | null
}

/** Whether the command line asks for a case. */
export function isChosen({ key }: CaseInfo, only: RunOptions['only']): boolean {
  return only === null || only.includes(key)
}

/** Runs the chosen cases under one plugin; gives their rows in the order of `ALL_CASES`. */
export async function runCases(ground: Ground, options: RunOptions): Promise<Row[]> {
  const rows = [
    ...(await onInserts(ground, options)),
    ...(await onUpdates(ground, options)),
    ...(await onOneTransaction(ground, options)),
  ]
  const order = ALL_CASES.map(({ key }) => key)
  return rows.toSorted((a, b) => order.indexOf(a.case) - order.indexOf(b.case))
}

async function onInserts(ground: Ground, options: RunOptions): Promise<Row[]> {
  const cases = backlogCases(INSERTS, options)
  const withLatency = isChosen(LATENCY_CASE, options.only)
  const withFailure = isChosen(FAILURE_CASE, options.only)
  if (cases.length === 0 && !withLatency && !withFailure) return []
  await using arena = await Arena.open(ground.server, ground.plugin)
  const others = withFailure ? [failureChanges(options.events)] : []
  const place = await withBacklog(arena, INSERTS, { ground, options, cases, others })
  const rows: Row[] = []
  for (const one of cases) rows.push(await runOne(one, place, options))
  if (withLatency) rows.push(await runLatencyCase(place, announced(LATENCY_CASE, options)))
  if (withFailure) rows.push(await runFailureCase(place, announced(FAILURE_CASE, options)))
  return rows
}

async function onUpdates(ground: Ground, options: RunOptions): Promise<Row[]> {
  const cases = backlogCases(UPDATES, options)
  if (cases.length === 0) return []
  await using arena = await Arena.open(ground.server, ground.plugin)
  const place = await withBacklog(arena, UPDATES, { ground, options, cases, others: [] })
  const rows: Row[] = []
  for (const one of cases) rows.push(await runOne(one, place, options))
  return rows
}

async function onOneTransaction({ server, plugin, sink }: Ground, options: RunOptions): Promise<Row[]> {
  if (!isChosen(TRANSACTION_CASE, options.only)) return []
  await using arena = await Arena.open(server, plugin)
  return [await runTransactionCase({ arena, sink }, announced(TRANSACTION_CASE, options))]
}

interface BacklogPlan {
  readonly ground: Ground
  readonly options: RunOptions
  readonly cases: readonly BacklogCase[]
  /** Changes that other cases read. */
  readonly others: readonly number[]
}

async function withBacklog(
  arena: Arena,
  workload: Workload,
  { ground, options, cases, others }: BacklogPlan,
): Promise<BacklogPlace> {
  const count = Math.max(1, ...others, ...cases.map((one) => changesOf(one, options.events)))
  options.progress(`writes ${count} changes`)
  return { arena, sink: ground.sink, backlog: await arena.load(workload, count) }
}

async function runOne(benchCase: BacklogCase, place: BacklogPlace, options: RunOptions): Promise<Row> {
  const { plugin } = (place satisfies Place).arena
  return rowOf(benchCase, plugin, await runBacklogCase(benchCase, place, announced(benchCase, options)))
}

function backlogCases(workload: Workload, { only }: RunOptions): BacklogCase[] {
  return BACKLOG_CASES.filter((one) => one.workload === workload && isChosen(one, only))
}

/** Says which case it is about before whatever it has to say. */
function announced({ key, title }: CaseInfo, options: RunOptions): RunOptions {
  options.progress(`(${key}) ${title}`)
  return { ...options, progress: (text) => options.progress(`(${key}) ${text}`) }
}

/** The yardsticks first, then the letters, then what has a longer name. */
function rankOf({ key }: CaseInfo): number {
  const first = ['sink', 'bare', 'recvlogical'].indexOf(key)
  return first !== -1 ? first : key.length === 1 ? key.charCodeAt(0) : Infinity
}
