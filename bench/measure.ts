import type { Arena } from './arena.ts'
import type { Running } from './programs.ts'
import type { Sink } from './start-sink.ts'
import { cpuSeconds, peakMiB, serverCpuSeconds } from './usage.ts'

/** What one run of one program gave. CPU is in seconds per 100,000 events; null: not measured. */
export interface Measurement {
  readonly perSecond: number
  readonly cpuPer100k: number | null
  readonly postgresCpuPer100k: number | null
  /** Share of one processor that the sink took. */
  readonly sinkShare: number | null
  readonly rssMiB: number | null
  readonly latenciesMs: readonly number[]
  readonly statementsPerDelivery?: number
}

/** How long a run may take before it counts as stuck. */
const STUCK_MS = 300_000

export interface Run {
  /** Messages that the sink is to count. */
  readonly total: number
  /** The share of them that comes before measuring starts, for the program to get warm. */
  readonly warmShare: number
  readonly uncounted?: readonly number[]
  readonly hanging?: readonly number[]
  /** Starts the program. */
  launch(slot: string): Running
}

/** Lets one program read the backlog from a slot of its own, from the first message of the measured part to the last. */
export async function measure(arena: Arena, sink: Sink, run: Run): Promise<Measurement> {
  const slot = await arena.newSlot()
  const { total, warmShare, uncounted = [], hanging = [] } = run
  const markAt = Math.max(1, Math.floor(total * warmShare))
  const { mark, done } = sink.expect({ total, markAt, uncounted, hanging })
  const program = run.launch(slot)
  try {
    const usage = () => ({
      own: cpuSeconds(program.pid),
      postgres: serverCpuSeconds(arena.server.pid!),
      sink: cpuSeconds(sink.pid),
    })
    const began = mark.then((reported) => ({ ...reported, usage: usage() }))
    const ended = done.then((reported) => ({ ...reported, usage: usage() }))
    const [from, to] = await Promise.race([Promise.all([began, ended]), program.failure, stuck(total)])
    const count = to.counted - from.counted
    const seconds = (to.at - from.at) / 1000
    const per100k = (name: 'own' | 'postgres') => ((to.usage[name] - from.usage[name]) / count) * 100_000
    return {
      perSecond: count / seconds,
      cpuPer100k: per100k('own'),
      postgresCpuPer100k: per100k('postgres'),
      sinkShare: (to.usage.sink - from.usage.sink) / seconds,
      rssMiB: peakMiB(program.pid),
      latenciesMs: to.latencies,
    }
  } finally {
    await program.stop()
    await arena.dropSlot(slot)
    await arena.forgetDeliveries()
  }
}

function stuck(total: number): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new Error(`${total} messages did not arrive within ${STUCK_MS / 1000} s`))
    setTimeout(fail, STUCK_MS).unref()
  })
}
