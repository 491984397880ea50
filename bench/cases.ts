import type { Contender, Place } from './contenders.ts'
import { bare, hookd, recvlogical } from './contenders.ts'

/** A claim to be met: the ratio of the case to its baseline. */
export interface Target {
  readonly text: string
  readonly atLeast: number
}

/** One row of the table: what is measured, what it is measured against, on how many events. */
export interface BenchCase {
  readonly key: string
  readonly title: string
  /** Events of a run as a multiple of `--events`. */
  readonly share: number
  readonly against: string | null
  readonly target: Target | null
  contenders(place: ReadPlace): { subject: Contender; baseline: Contender | null }
}

/** A place with a backlog in it. */
export interface ReadPlace extends Place {
  /** Where the backlog ends, and how many changes it has. */
  readonly end: { readonly lsn: string; readonly count: number }
}

export const FAN_OUT = 20

/** The cases that read a backlog of inserts, each in a transaction of its own. */
export const BACKLOG_CASES: readonly BenchCase[] = [
  {
    key: 'bare',
    title: 'the least program of the same stack',
    share: 1,
    against: null,
    target: null,
    contenders: (place) => ({ subject: bare(place), baseline: null }),
  },
  {
    key: 'recvlogical',
    title: 'decoding alone',
    share: 5,
    against: null,
    target: null,
    contenders: (place) => ({ subject: recvlogical(place, place.end.lsn), baseline: null }),
  },
  {
    key: 'a',
    title: 'one subscriber, one message a request',
    share: 1,
    against: 'bare',
    target: { text: 'at least 0.90 of bare', atLeast: 0.9 },
    contenders: (place) => ({ subject: hookd(place, { name: 'hookd' }), baseline: bare(place) }),
  },
  {
    key: 'b',
    title: 'batch_size 100',
    share: 5,
    against: 'recvlogical',
    target: { text: 'at least 0.90 of recvlogical', atLeast: 0.9 },
    contenders: (place) => ({
      subject: hookd(place, { name: 'hookd, batches', columns: { batch_size: '100' } }),
      baseline: recvlogical(place, place.end.lsn),
    }),
  },
  {
    key: 'c',
    title: `${FAN_OUT} subscribers`,
    share: 2,
    against: `bare to ${FAN_OUT}`,
    target: { text: 'at least 0.95 of bare', atLeast: 0.95 },
    contenders: (place) => ({
      subject: hookd(place, { name: `hookd to ${FAN_OUT}`, endpoints: FAN_OUT }),
      baseline: bare(place, FAN_OUT),
    }),
  },
]
