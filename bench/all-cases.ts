import type { Plugin } from '../test/support/database.ts'
import type { Server } from '../test/support/server.ts'
import { Arena } from './arena.ts'
import { type CaseOptions, runBacklogCase } from './backlog-case.ts'
import { BACKLOG_CASES, type CaseInfo } from './cases.ts'
import { FAILURE_CASE, runFailureCase } from './failure-case.ts'
import { LATENCY_CASE, runLatencyCase } from './latency-case.ts'
import { type Row, rowOf } from './report.ts'
import { SINK_CASE } from './sink-case.ts'
import type { Sink } from './start-sink.ts'
import { runTransactionCase, TRANSACTION_CASE } from './transaction-case.ts'

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
  const rows = [...(await onSingleRows(ground, options)), ...(await onOneTransaction(ground, options))]
  const order = ALL_CASES.map(({ key }) => key)
  return rows.toSorted((a, b) => order.indexOf(a.case) - order.indexOf(b.case))
}

async function onSingleRows({ server, plugin, sink }: Ground, options: RunOptions): Promise<Row[]> {
  const { only } = options
  const cases = BACKLOG_CASES.filter((one) => isChosen(one, only))
  if (cases.length === 0 && !isChosen(LATENCY_CASE, only) && !isChosen(FAILURE_CASE, only)) return []
  await using arena = await Arena.open(server, plugin)
  const place = { arena, sink }
  const rows: Row[] = []
  for (const one of cases) rows.push(rowOf(one, plugin, await runBacklogCase(one, place, announced(one, options))))
  if (isChosen(LATENCY_CASE, only)) rows.push(await runLatencyCase(place, announced(LATENCY_CASE, options)))
  if (isChosen(FAILURE_CASE, only)) rows.push(await runFailureCase(place, announced(FAILURE_CASE, options)))
  return rows
}

async function onOneTransaction({ server, plugin, sink }: Ground, options: RunOptions): Promise<Row[]> {
  if (!isChosen(TRANSACTION_CASE, options.only)) return []
  await using arena = await Arena.open(server, plugin)
  return [await runTransactionCase({ arena, sink }, announced(TRANSACTION_CASE, options))]
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
