import type { CaseOptions } from './backlog-case.ts'
import type { CaseInfo } from './cases.ts'
import { bare, type Contender, hookd } from './contenders.ts'
import { measureLive, type Place } from './measure.ts'
import { latencyOf, type Row, rowOf } from './report.ts'
import { repeat, type Side } from './repeat.ts'
import { INSERTS } from './workload.ts'

const PER_SECOND = 500
const SECONDS = 8
const WARM_UP_SECONDS = 2
/** hookd's p99 may be so many times that of bare. */
const MOST = 2

/** Latency from commit to receipt while changes come at a steady pace; the ratio is that of the 99th percentiles. */
export const LATENCY_CASE: CaseInfo = {
  key: 'j',
  title: `latency at a steady ${PER_SECOND} changes/s`,
  against: "bare's p99",
  target: { text: `p99 at most ${MOST} times that of bare`, isMet: (ratio) => ratio <= MOST },
}

/** Measures it. */
export async function runLatencyCase(place: Place, options: CaseOptions): Promise<Row> {
  const side = (contender: Contender): Side => {
    const run = async (seconds: number) => {
      await contender.prepare()
      const pace = { workload: INSERTS, perChange: 1, perSecond: PER_SECOND, changes: PER_SECOND * seconds }
      return measureLive(place, contender.launch, pace)
    }
    return { name: contender.name, warmUp: () => run(WARM_UP_SECONDS), run: () => run(SECONDS) }
  }
  const pairs = await repeat({ subject: side(hookd(place)), baseline: side(bare(place)) }, options)
  const p99 = (of: keyof typeof pairs) => pairs[of].map((one) => latencyOf(one, 0.99)?.toFixed(1)).join(', ')
  options.progress(`p99 in ms: bare ${p99('baseline')}; hookd ${p99('subject')}`)
  return rowOf(LATENCY_CASE, place.arena.plugin, pairs, (one) => latencyOf(one, 0.99) ?? Number.NaN)
}
