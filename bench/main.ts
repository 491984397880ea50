/** `npm run bench`: measures hookd beside the best that this machine could do, and prints one table. */
import type { Plugin } from '../test/support/database.ts'
import { startServer } from './arena.ts'
import { ALL_CASES, isChosen, runCases } from './all-cases.ts'
import { MOST_ENDPOINTS } from './cases.ts'
import { describeMachine } from './machine.ts'
import { type BenchOptions, readOptions } from './options.ts'
import { type Row, table } from './report.ts'
import { runSinkCase, SINK_CASE } from './sink-case.ts'
import { startSink } from './start-sink.ts'

function progress(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

async function benchAll(options: BenchOptions): Promise<Row[]> {
  const sink = await startSink(MOST_ENDPOINTS)
  const rows: Row[] = []
  const benchPlugin = async (plugin: Plugin) => {
    const server = await startServer(plugin)
    try {
      const say = (text: string) => progress(`${plugin} ${text}`)
      rows.push(...(await runCases({ server, plugin, sink }, { ...options, progress: say })))
    } finally {
      await server.destroy()
    }
  }
  try {
    if (isChosen(SINK_CASE, options.only)) rows.push(await runSinkCase(sink, { ...options, progress }))
    if (needsServer(options)) for (const plugin of options.plugins) await benchPlugin(plugin)
  } finally {
    await sink.close()
  }
  return rows
}

function needsServer({ only }: BenchOptions): boolean {
  return ALL_CASES.some((one) => one !== SINK_CASE && isChosen(one, only))
}

async function main(): Promise<void> {
  const options = readOptions(
    process.argv.slice(2),
    ALL_CASES.map(({ key }) => key),
  )
  const machine = describeMachine()
  const rows = await benchAll(options)
  process.stdout.write(options.json ? `${JSON.stringify({ machine, rows })}\n` : `${machine}\n\n${table(rows)}\n`)
}

await main()
