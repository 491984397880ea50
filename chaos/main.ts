import { check } from './checker/check.ts'
import { type Fact, readHistory } from './history.ts'
import { type ChaosOptions, parseOptions, USAGE } from './options.ts'
import { addTotals, isBad, reportLines, type Totals, totalsLine, totalsOf } from './report.ts'
import { run } from './run.ts'

/** Runs, judges, reports. Gives the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: ChaosOptions | null
  try {
    options = parseOptions(args)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  if (options === null) {
    console.log(USAGE)
    return 0
  }
  let totals: Totals | null = null
  for (const plugin of options.plugins) {
    const say = (line: string) => console.log(`${plugin}: ${line}`)
    say(`seed ${options.seed}, ${options.minutes} minutes, in ${options.folder}`)
    const file = await run(plugin, options, { say })
    const facts: Fact[] = []
    for await (const fact of readHistory(file)) facts.push(fact)
    const verdict = check(facts)
    for (const line of reportLines(verdict, facts)) say(line)
    const own = totalsOf(verdict, facts)
    if (isBad(own)) say(`FAILED with seed ${options.seed}; the history is ${file}`)
    totals = totals === null ? own : addTotals(totals, own)
  }
  if (totals === null) return 0
  console.log(totalsLine(totals))
  return isBad(totals) ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))
