import type { Arena, Backlog } from './arena.ts'
import type { BacklogCase, Party } from './cases.ts'
import type { Contender } from './contenders.ts'
import { measureBacklog, measureLive, type Place } from './measure.ts'
import { measureRecvlogical } from './recvlogical.ts'
import { type Pairs, repeat, type Side } from './repeat.ts'

/** A place with a backlog. */
export interface BacklogPlace extends Place {
  readonly backlog: Backlog
}

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
export function changesOf({ share }: BacklogCase, events: number): number {
  return Math.round(events * share)
}

/** Measures one case that reads a backlog, latency included. */
export async function runBacklogCase(
  benchCase: BacklogCase,
  place: BacklogPlace,
  options: CaseOptions,
): Promise<Pairs> {
  const changes = changesOf(benchCase, options.events)
  const side = (party: Party, withLatency: boolean): Side =>
    party === 'decoding'
      ? decodingSide(place.arena, place.backlog)
      : readerSide(party(place), { benchCase, place, changes, withLatency })
  const { subject, baseline } = benchCase
  return repeat({ subject: side(subject, true), baseline: baseline === null ? null : side(baseline, false) }, options)
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
  readonly withLatency: boolean
}

function readerSide(contender: Contender, { benchCase, place, changes, withLatency }: ReaderPlan): Side {
  const { perChange, livePerSecond, fromStart = false, workload } = benchCase
  const { launch, endpoints, name } = contender
  const warmShare = fromStart ? null : WARM_SHARE
  const read = async (share: number) => {
    await contender.prepare()
    const total = Math.ceil(changes * share) * perChange
    return measureBacklog(place, launch, { total, warmShare, endpoints })
  }
  return {
    name,
    // Where the start is part of it, the program is to be cold.
    warmUp: () => (fromStart ? Promise.resolve() : read(WARM_UP_SHARE)),
    async run() {
      const measurement = await read(1)
      if (livePerSecond === null || !withLatency) return measurement
      const live = { workload, perChange, endpoints, perSecond: livePerSecond, changes: livePerSecond * LIVE_SECONDS }
      const { latenciesMs } = await measureLive(place, launch, live)
      return { ...measurement, latenciesMs }
    },
  }
}
