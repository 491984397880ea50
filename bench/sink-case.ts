import type { CaseOptions } from './backlog-case.ts'
import type { CaseInfo } from './cases.ts'
import { type Measurement, NOT_MEASURED } from './measure.ts'
import { launchFlood } from './programs.ts'
import { type Row, rowOf } from './report.ts'
import type { Sink } from './start-sink.ts'
import { median } from './statistics.ts'
import { cpuSeconds } from './usage.ts'

const SHARE = 3
const WARM_SHARE = 0.2

/** What the sink can take, to know that it limits nobody. */
export const SINK_CASE: CaseInfo = {
  key: 'sink',
  title: 'requests that the sink answers',
  against: null,
  target: null,
}

/** Measures it with a sender that does nothing but send. */
export async function runSinkCase(sink: Sink, options: CaseOptions): Promise<Row> {
  const subject: Measurement[] = []
  for (let rep = 0; rep < options.reps; rep++) subject.push(await flood(sink, options.events * SHARE))
  const alone = median(subject.map(({ perSecond, sinkShare }) => perSecond / (sinkShare ?? Number.NaN)))
  const title = `${SINK_CASE.title}; it could ${Math.round(alone / 1000)},000 with a processor of its own`
  return rowOf({ ...SINK_CASE, title }, null, { subject, baseline: [] })
}

async function flood(sink: Sink, total: number): Promise<Measurement> {
  const arrivals = sink.expect({ total, markAt: total * WARM_SHARE })
  const program = launchFlood(sink.urls[0]!)
  const look = <T>(report: T) => ({ ...report, sink: cpuSeconds(sink.pid) })
  try {
    const moments = Promise.all([arrivals.mark.then(look), arrivals.done.then(look)])
    const [from, to] = await Promise.race([moments, program.failure])
    const seconds = (to.at - from.at) / 1000
    return {
      ...NOT_MEASURED,
      perSecond: (to.counted - from.counted) / seconds,
      sinkShare: (to.sink - from.sink) / seconds,
    }
  } finally {
    await program.stop()
  }
}
