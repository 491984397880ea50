import type { Arena } from './arena.ts'
import { WRITERS } from './arena.ts'
import type { Running } from './programs.ts'
import type { Order, Report } from './sink-messages.ts'
import type { Sink } from './start-sink.ts'
import { cpuSeconds, peakMiB, serverCpuSeconds } from './usage.ts'
import type { Workload } from './workload.ts'

/** What one run of one program gave; null: not measured. CPU is in seconds per 100,000 events. */
export interface Measurement {
  readonly perSecond: number
  readonly cpuPer100k: number | null
  readonly postgresCpuPer100k: number | null
  /** Share of one processor that the sink took. */
  readonly sinkShare: number | null
  readonly rssMiB: number | null
  /** Of one event, with its share of an array. */
  readonly bodyBytes: number | null
  /** From commit to receipt, milliseconds; empty where it says nothing. */
  readonly latenciesMs: readonly number[]
  readonly statementsPerDelivery: number | null
  /** Deliveries that hookd did not send straight from the stream, but by way of its tables. */
  readonly stored: number | null
  /** What the program complained about meanwhile: a run with any may say more about the machine than about the program. */
  readonly warnings: readonly string[]
}

/** To be filled with what was measured. */
export const NOT_MEASURED: Omit<Measurement, 'perSecond'> = {
  cpuPer100k: null,
  postgresCpuPer100k: null,
  sinkShare: null,
  rssMiB: null,
  bodyBytes: null,
  latenciesMs: [],
  statementsPerDelivery: null,
  stored: null,
  warnings: [],
}

/** A program under test, started on the slot that it is to read. */
export type Launch = (slot: string) => Running

/** What is special about the endpoints of a run. */
export type Endpoints = Partial<Pick<Order, 'uncounted' | 'hanging'>>

export interface BacklogRun {
  /** Events that the sink is to count. */
  readonly total: number
  /**
   * The share of them before the measured part begins, for the program to get warm. Null: everything is measured, from the
   * program's start.
   */
  readonly warmShare: number | null
  readonly endpoints?: Endpoints
}

export interface LiveRun {
  readonly workload: Workload
  readonly changes: number
  readonly perSecond: number
  /** Events that the sink is to count of each change. */
  readonly perChange: number
  readonly endpoints?: Endpoints
}

/** Where a run takes place. */
export interface Place {
  readonly arena: Arena
  readonly sink: Sink
}

/** How long a run may take before it counts as stuck: a while, and for each event what even a busy machine needs. */
const STUCK_MS = 300_000
const STUCK_MS_AN_EVENT = 1
/** Of the events at a steady pace, the first ones do not count. */
const LIVE_WARM_SHARE = 0.2

/** Lets a program read the backlog from a slot of its own. */
export async function measureBacklog({ arena, sink }: Place, launch: Launch, run: BacklogRun): Promise<Measurement> {
  const { total, warmShare, endpoints = {} } = run
  const slot = await arena.slotAtStart()
  const arrivals = sink.expect({ ...endpoints, total, markAt: Math.max(1, Math.floor(total * (warmShare ?? 0))) })
  const program = launch(slot)
  return whileRunning({ arena, program, slot, events: total }, async () => {
    const watch = watcher({ arena, sink }, program)
    const [from, to] = await Promise.all([arrivals.mark.then(watch), arrivals.done.then(watch)])
    const start = { at: to.at - (to.seenAt - program.startedAt), counted: 0, usage: NONE }
    const measurement = measurementOf(program, warmShare === null ? start : from, to)
    return { ...measurement, stored: await arena.countDeliveries() }
  })
}

/** Lets a program follow changes that are written at a steady pace: how long after its commit does each arrive? */
export async function measureLive({ arena, sink }: Place, launch: Launch, run: LiveRun): Promise<Measurement> {
  const { workload, perChange, perSecond, endpoints = {} } = run
  const changes = Math.ceil(run.changes / WRITERS) * WRITERS
  const slot = await arena.slotAtEnd()
  const total = changes * perChange
  const arrivals = sink.expect({ ...endpoints, total, markAt: Math.ceil(total * LIVE_WARM_SHARE), latency: true })
  const program = launch(slot)
  return whileRunning({ arena, program, slot }, async () => {
    const watch = watcher({ arena, sink }, program)
    await arena.inUse(slot)
    const [from, to] = await Promise.all([
      arrivals.mark.then(watch),
      arrivals.done.then(watch),
      arena.writeLive(workload, { count: changes, perSecond }),
    ])
    return measurementOf(program, from, to)
  })
}

/** Waits for `task` as long as the program runs, then ends the program and removes what it has left. */
export async function whileRunning<T>(
  { arena, program, slot, events = 0 }: { arena: Arena; program: Running; slot: string; events?: number },
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await Promise.race([task(), program.failure, stuck(program, events)])
  } finally {
    await program.stop()
    await arena.dropSlot(slot)
    await arena.forgetDeliveries()
  }
}

interface Usage {
  readonly own: number
  readonly postgres: number
  readonly sink: number
}

const NONE: Usage = { own: 0, postgres: 0, sink: 0 }

interface Moment {
  /** By the sink's clock. */
  readonly at: number
  readonly counted: number
  readonly usage: Usage
}

/** Looks at the processes the moment the sink reports. */
function watcher({ arena, sink }: Place, program: Running) {
  const server = arena.server.pid!
  const before = { postgres: serverCpuSeconds(server), sink: cpuSeconds(sink.pid) }
  return <R extends Report>(report: R) => ({
    ...report,
    seenAt: performance.now(),
    usage: {
      own: cpuSeconds(program.pid),
      postgres: serverCpuSeconds(server) - before.postgres,
      sink: cpuSeconds(sink.pid) - before.sink,
    },
  })
}

type End = Moment & Pick<Extract<Report, { kind: 'done' }>, 'bytes' | 'latencies'>

function measurementOf(program: Running, from: Moment, to: End): Measurement {
  const count = to.counted - from.counted
  const seconds = (to.at - from.at) / 1000
  const per100k = (name: 'own' | 'postgres') => ((to.usage[name] - from.usage[name]) / count) * 100_000
  return {
    perSecond: count / seconds,
    cpuPer100k: per100k('own'),
    postgresCpuPer100k: per100k('postgres'),
    sinkShare: (to.usage.sink - from.usage.sink) / seconds,
    rssMiB: peakMiB(program.pid),
    bodyBytes: to.bytes / to.counted,
    latenciesMs: to.latencies,
    statementsPerDelivery: null,
    stored: null,
    warnings: program.warnings(),
  }
}

/** Rejects after a while. */
function stuck(program: Running, events: number): Promise<never> {
  const limitMs = STUCK_MS + events * STUCK_MS_AN_EVENT
  return new Promise((_, reject) => {
    const fail = () => reject(new Error(`a run did not end within ${limitMs / 1000} s; it said:\n${program.words()}`))
    setTimeout(fail, limitMs).unref()
  })
}
