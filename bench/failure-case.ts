import type { Arena } from './arena.ts'
import type { CaseOptions } from './backlog-case.ts'
import type { CaseInfo } from './cases.ts'
import { type Contender, hookd } from './contenders.ts'
import { type Measurement, NOT_MEASURED, type Place, whileRunning } from './measure.ts'
import { type Row, rowOf } from './report.ts'
import { peakMiB } from './usage.ts'
import { INSERTS } from './workload.ts'

/** Deliveries of a run, as a multiple of `--events`. */
const SHARE = 1 / 5
const FAIL_FOR_MS = 3000
const RETRIES = `delivery: { retry: { schedule: [${Array.from({ length: 30 }, () => '1s').join(', ')}] } }\n`
const MOST_STATEMENTS = 1

/** What hookd asks of Postgres while an endpoint fails and until all is delivered. */
export const FAILURE_CASE: CaseInfo = {
  key: 'fail',
  title: `an endpoint fails for ${FAIL_FOR_MS / 1000} s, with what hookd then asks of Postgres`,
  against: null,
  target: {
    text: `at most ${MOST_STATEMENTS} statement per delivery`,
    isMet: (_ratio, median) => (median((one) => one.statementsPerDelivery) ?? Number.NaN) <= MOST_STATEMENTS,
  },
}

/** Measures it on a backlog of inserts. */
export async function runFailureCase(place: Place, options: CaseOptions): Promise<Row> {
  const contender = hookd(place, { yaml: RETRIES })
  await place.arena.load(INSERTS, Math.round(options.events * SHARE))
  const subject: Measurement[] = []
  for (let rep = 1; rep <= options.reps; rep++) subject.push(await failAndRecover(place, contender, options))
  return rowOf(FAILURE_CASE, place.arena.plugin, { subject, baseline: [] })
}

async function failAndRecover(place: Place, contender: Contender, options: CaseOptions): Promise<Measurement> {
  const { arena, sink } = place
  const total = Math.round(options.events * SHARE)
  await contender.prepare()
  const slot = await arena.slotAtStart()
  const { done } = sink.expect({ total, failForMs: FAIL_FOR_MS })
  await arena.database.query('select pg_stat_statements_reset()')
  const program = contender.launch(slot)
  return whileRunning({ arena, program, slot }, async () => {
    const { requests } = await done
    const seconds = (performance.now() - program.startedAt) / 1000
    const statements = await countStatements(arena)
    options.progress(`${statements} statements for ${total} deliveries in ${requests} attempts`)
    const statementsPerDelivery = statements / total
    return { ...NOT_MEASURED, rssMiB: peakMiB(program.pid), perSecond: total / seconds, statementsPerDelivery }
  })
}

/** All that was sent to the database since the reset: nobody but hookd uses it. Its start counts too. */
async function countStatements(arena: Arena): Promise<number> {
  const [row] = await arena.database.query(
    `select sum(calls)::int as calls from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())
       and query not like '%pg_stat_statements%'`,
  )
  return (row as { calls: number }).calls
}
