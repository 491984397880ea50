import type { Arena, Backlog } from './arena.ts'
import type { BacklogCase, Party } from './cases.ts'
import type { Contender } from './contenders.ts'
import { measureBacklog, measureLive, type Measurement, type Place } from './measure.ts'
import { measureRecvlogical } from './recvlogical.ts'
import { type Pairs, repeat, type Side } from './repeat.ts'

export interface CaseOptions {
  readonly events: number
  readonly reps: number
  progress(text: string): void
}

/** The share of a run that comes before what is measured, and the share of a run that the warm-up is. */
const WARM_SHARE = 0.2
const WARM_UP_SHARE = 0.25
/** How long changes come at a steady pace. */
const LIVE_SECONDS = 2.5

/** The changes that a case reads in one run. */
function changesOf({ share }: BacklogCase, events: number): number {
  return Math.round(events * share)
}

/**
 * Measures one case on a backlog of its own, so that nobody can read ahead into more than it is to send. Latency comes
 * last, because its changes lie behind the backlog.
 */
export async function runBacklogCase(benchCase: BacklogCase, place: Place, options: CaseOptions): Promise<Pairs> {
  const { workload, subject, baseline } = benchCase
  const changes = changesOf(benchCase, options.events)
  const backlog = await place.arena.load(workload, changes)
  const side = (party: Party): Side =>
    party === 'decoding' ? decodingSide(place.arena, backlog) : readerSide(party(place), { benchCase, place, changes })
  const sides = { subject: side(subject), baseline: baseline === null ? null : side(baseline) }
  const pairs = await repeat(sides, options)
  return subject === 'decoding' ? pairs : withLatency(pairs, subject(place), { benchCase, place })
}

async function withLatency(
  pairs: Pairs,
  contender: Contender,
  { benchCase, place }: { benchCase: BacklogCase; place: Place },
): Promise<Pairs> {
  const { workload, livePerSecond } = benchCase
  const { perChange, endpoints } = contender
  if (livePerSecond === null) return pairs
  const pace = { workload, perChange, perSecond: livePerSecond, changes: livePerSecond * LIVE_SECONDS }
  const subject: Measurement[] = []
  for (const measurement of pairs.subject) {
    await contender.prepare()
    const { latenciesMs } = await measureLive(place, contender.launch, { ...pace, endpoints })
    subject.push({ ...measurement, latenciesMs })
  }
  return { ...pairs, subject }
}

function decodingSide(arena: Arena, backlog: Backlog): Side {
  return {
    name: 'pg_recvlogical',
    // It finds the WAL in memory: the loader has just written it.
    warmUp: () => Promise.resolve(),
    run: () => measureRecvlogical(arena, backlog),
  }
}

interface ReaderPlan {
  readonly benchCase: BacklogCase
  readonly place: Place
  readonly changes: number
}

function readerSide(contender: Contender, { benchCase, place, changes }: ReaderPlan): Side {
  const { fromStart = false } = benchCase
  const { launch, endpoints, name, perChange } = contender
  const warmShare = fromStart ? null : WARM_SHARE
  const read = async (share: number) => {
    await contender.prepare()
    return measureBacklog(place, launch, { total: Math.ceil(changes * share) * perChange, warmShare, endpoints })
  }
  return {
    name,
    // Where the start is part of it, the program is to be cold.
    warmUp: () => (fromStart ? Promise.resolve() : read(WARM_UP_SHARE)),
    run: () => read(1),
  }
}
