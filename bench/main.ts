/** `npm run bench`: measures hookd beside what it could be at best on this machine, and prints one table. */
import { Arena, startServer } from './arena.ts'
import { BACKLOG_CASES, type BenchCase, FAN_OUT } from './cases.ts'
import { describeMachine } from './machine.ts'
import { type BenchOptions, readOptions } from './options.ts'
import { pairs } from './repeat.ts'
import { type Row, rowOf, table } from './report.ts'
import { type Sink, startSink } from './start-sink.ts'
import type { Plugin } from '../test/support/database.ts'
import type { Server } from '../test/support/server.ts'
import { ONE_ROW } from './workload.ts'

const WARM_SHARE = 0.2

function progress(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

async function benchPlugin(plugin: Plugin, sink: Sink, options: BenchOptions): Promise<Row[]> {
  const server = await startServer(plugin)
  try {
    return await benchBacklog({ server, plugin, sink }, options)
  } finally {
    await server.destroy()
  }
}

async function benchBacklog(
  { server, plugin, sink }: { server: Server; plugin: Plugin; sink: Sink },
  { only, events, reps }: BenchOptions,
): Promise<Row[]> {
  const cases = BACKLOG_CASES.filter(({ key }) => only === null || only.includes(key))
  if (cases.length === 0) return []
  await using arena = await Arena.open(server, plugin)
  const count = events * Math.max(...cases.map(({ share }) => share))
  progress(`${plugin}: writing ${count} changes`)
  const place = { arena, sink, end: { lsn: await arena.load(ONE_ROW, count), count } }
  const rows: Row[] = []
  for (const benchCase of cases) rows.push(await benchOne(benchCase, place))
  return rows

  async function benchOne(benchCase: BenchCase, at: typeof place): Promise<Row> {
    progress(`${plugin}: (${benchCase.key}) ${benchCase.title}`)
    const { subject, baseline } = benchCase.contenders(at)
    const size = (name: string) => ({
      total: name === 'recvlogical' ? count : events * benchCase.share,
      warmShare: WARM_SHARE,
    })
    const plan = { reps, progress, subjectSize: size(subject.name), baselineSize: size(baseline?.name ?? '') }
    return rowOf(benchCase, plugin, await pairs(subject, baseline, plan))
  }
}

async function main(): Promise<void> {
  const options = readOptions(
    process.argv.slice(2),
    BACKLOG_CASES.map(({ key }) => key),
  )
  const machine = describeMachine()
  const sink = await startSink(FAN_OUT)
  const rows: Row[] = []
  try {
    for (const plugin of options.plugins) rows.push(...(await benchPlugin(plugin, sink, options)))
  } finally {
    await sink.close()
  }
  process.stdout.write(options.json ? `${JSON.stringify({ machine, rows })}\n` : `${machine}\n\n${table(rows)}\n`)
}

await main()
