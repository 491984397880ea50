import type { Plugin } from '../test/support/database.ts'
import type { Server } from '../test/support/server.ts'
import { Arena } from './arena.ts'
import { type BacklogPlace, changesOf, type CaseOptions, runBacklogCase } from './backlog-case.ts'
import { BACKLOG_CASES, type BacklogCase, type CaseInfo } from './cases.ts'
import { type Row, rowOf } from './report.ts'
import type { Sink } from './start-sink.ts'
import { INSERTS, UPDATES, type Workload } from './workload.ts'

/** Every case, in the order of the table. */
export const ALL_CASES: readonly CaseInfo[] = [...BACKLOG_CASES]

/** What the cases of one plugin share. */
export interface Ground {
  readonly server: Server
  readonly plugin: Plugin
  readonly sink: Sink
}

export interface RunOptions extends CaseOptions {
  readonly only: readonly string[] | null
}

/** Runs the chosen cases under one plugin. */
export async function runCases(ground: Ground, options: RunOptions): Promise<Row[]> {
  const rows: Row[] = []
  for (const workload of [INSERTS, UPDATES]) rows.push(...(await runBacklogCases(workload, ground, options)))
  return rows
}

async function runBacklogCases(workload: Workload, ground: Ground, options: RunOptions): Promise<Row[]> {
  const chosen = BACKLOG_CASES.filter((one) => one.workload === workload && isChosen(one, options))
  if (chosen.length === 0) return []
  const { server, plugin, sink } = ground
  await using arena = await Arena.open(server, plugin)
  const count = Math.max(...chosen.map((one) => changesOf(one, options.events)))
  options.progress(`writes ${count} changes`)
  const place = { arena, sink, backlog: await arena.load(workload, count) }
  const rows: Row[] = []
  for (const one of chosen) rows.push(await runOne(one, place, options))
  return rows
}

async function runOne(benchCase: BacklogCase, place: BacklogPlace, options: RunOptions): Promise<Row> {
  const { key, title } = benchCase
  const say = (text: string) => options.progress(`(${key}) ${text}`)
  say(title)
  return rowOf(benchCase, place.arena.plugin, await runBacklogCase(benchCase, place, { ...options, progress: say }))
}

function isChosen({ key }: CaseInfo, { only }: RunOptions): boolean {
  return only === null || only.includes(key)
}
