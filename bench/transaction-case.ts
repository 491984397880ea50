import type { CaseOptions } from './backlog-case.ts'
import type { CaseInfo } from './cases.ts'
import { hookd } from './contenders.ts'
import { measureBacklog, type Measurement, type Place } from './measure.ts'
import { type Row, rowOf } from './report.ts'
import { ONE_TRANSACTION } from './workload.ts'

const SMALL_ROWS = 10_000
/** Rows of the large transaction for each of `--events`: a million by default. */
const LARGE_SHARE = 50
const WARM_SHARE = 0.2
const MOST_MIB = 200
const MOST_RATIO = 1.2

/** Peak memory while one large transaction is sent, beside that of a small one. */
export const TRANSACTION_CASE: CaseInfo = {
  key: 'f',
  title: 'one transaction of 1,000,000 rows',
  against: 'MiB of 10,000 rows',
  target: {
    text: `at most ${MOST_MIB} MiB and ${MOST_RATIO} times 10,000 rows`,
    isMet: (ratio, median) => ratio <= MOST_RATIO && (median(({ rssMiB }) => rssMiB) ?? Number.NaN) <= MOST_MIB,
  },
}

/** Measures it. The large one takes minutes, and memory varies little, so that it is run once. */
export async function runTransactionCase(place: Place, options: CaseOptions): Promise<Row> {
  const { arena } = place
  const contender = hookd(place)
  const send = async (rows: number): Promise<Measurement> => {
    const measurement = await measureBacklog(place, contender.launch, { total: rows, warmShare: WARM_SHARE })
    options.progress(
      `${rows} rows: ${Math.round(measurement.perSecond)} events/s, ${Math.round(measurement.rssMiB!)} MiB`,
    )
    return measurement
  }
  await contender.prepare()
  const large = options.events * LARGE_SHARE
  await arena.load(ONE_TRANSACTION, Math.min(SMALL_ROWS, large))
  const small: Measurement[] = []
  for (let rep = 0; rep < options.reps; rep++) small.push(await send(Math.min(SMALL_ROWS, large)))
  await arena.load(ONE_TRANSACTION, large)
  const one = await send(large)
  const title = `one transaction of ${large.toLocaleString('en')} rows`
  const pairs = { subject: small.map(() => one), baseline: small }
  return rowOf({ ...TRANSACTION_CASE, title }, arena.plugin, pairs, ({ rssMiB }) => rssMiB ?? Number.NaN)
}
