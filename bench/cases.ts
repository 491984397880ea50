import { bare, type Contender, hookd } from './contenders.ts'
import type { Measurement, Place } from './measure.ts'
import { INSERTS, UPDATES, type Workload } from './workload.ts'

/** What a case is to reach. */
export interface Target {
  readonly text: string
  /** `ratio` is that of the row, to what it is compared with; `median` reads a figure of the subject. */
  isMet(ratio: number, median: (read: (one: Measurement) => number | null) => number | null): boolean
}

/** What all cases have in common. */
export interface CaseInfo {
  /** As `--only` names it. */
  readonly key: string
  readonly title: string
  /** What the ratio is to; null: there is none. */
  readonly against: string | null
  readonly target: Target | null
}

/** A case that reads a backlog. */
export interface BacklogCase extends CaseInfo {
  readonly workload: Workload
  /** Changes of a run, as a multiple of `--events`. */
  readonly share: number
  /** Changes a second while latency is measured; null: it is not. */
  readonly livePerSecond: number | null
  /** Whether the program's start is part of what is measured. */
  readonly fromStart?: boolean
  readonly subject: Party
  readonly baseline: Party | null
}

/** `decoding` is pg_recvlogical, which reads the whole backlog. */
export type Party = 'decoding' | ((place: Place) => Contender)

const FAN_OUT = 20
/** Deliveries a second while latency is measured, wherever the case itself says nothing else. */
const LIVE_PER_SECOND = 500

/** Endpoints that the sink must have. */
export const MOST_ENDPOINTS = FAN_OUT

/** A target for throughput. */
function atLeast(share: number, of: string): Target {
  return { text: `at least ${share.toFixed(2)} of ${of}`, isMet: (ratio) => ratio >= share }
}

const alone: Party = (place) => bare(place)
const plain: Party = (place) => hookd(place)

const INSERTS_TO_ONE = {
  workload: INSERTS,
  share: 1,
  livePerSecond: LIVE_PER_SECOND,
  subject: plain,
}

export const BACKLOG_CASES: readonly BacklogCase[] = [
  {
    ...INSERTS_TO_ONE,
    key: 'bare',
    title: 'the least program of the same stack',
    against: null,
    target: null,
    subject: alone,
    baseline: null,
  },
  {
    ...INSERTS_TO_ONE,
    key: 'recvlogical',
    title: 'decoding alone',
    against: null,
    target: null,
    share: 5,
    livePerSecond: null,
    subject: 'decoding',
    baseline: null,
  },
  {
    ...INSERTS_TO_ONE,
    key: 'a',
    title: 'one subscriber, one message a request',
    against: 'bare',
    target: atLeast(0.9, 'bare'),
    baseline: alone,
  },
  {
    ...INSERTS_TO_ONE,
    key: 'b',
    title: 'batch_size 100',
    against: 'recvlogical',
    target: atLeast(0.9, 'recvlogical'),
    share: 5,
    subject: (place) => hookd(place, { columns: { batch_size: '100' } }),
    baseline: 'decoding',
  },
  {
    ...INSERTS_TO_ONE,
    key: 'c',
    title: `fan-out to ${FAN_OUT} subscribers`,
    against: `bare to ${FAN_OUT}`,
    target: atLeast(0.95, 'bare'),
    share: 2 / FAN_OUT,
    livePerSecond: LIVE_PER_SECOND / FAN_OUT,
    subject: (place) => hookd(place, { endpoints: FAN_OUT }),
    baseline: (place) => bare(place, FAN_OUT),
  },
  {
    ...INSERTS_TO_ONE,
    key: 'd',
    title: 'delivery_log: all',
    against: '(a)',
    target: atLeast(0.65, '(a)'),
    subject: (place) => hookd(place, { yaml: 'delivery: { delivery_log: all }\n' }),
    baseline: plain,
  },
  {
    ...INSERTS_TO_ONE,
    key: 'e',
    title: `one of ${FAN_OUT} endpoints hangs; the other ${FAN_OUT - 1}`,
    against: 'none hangs',
    target: atLeast(0.95, 'the same without'),
    share: 2 / FAN_OUT,
    livePerSecond: LIVE_PER_SECOND / FAN_OUT,
    subject: (place) => hookd(place, { endpoints: FAN_OUT, uncounted: [FAN_OUT - 1], hanging: [FAN_OUT - 1] }),
    baseline: (place) => hookd(place, { endpoints: FAN_OUT, uncounted: [FAN_OUT - 1] }),
  },
  {
    ...INSERTS_TO_ONE,
    key: 'g',
    title: '10,000 subscribers, of which 3 match',
    against: '(a)',
    target: atLeast(0.85, '(a)'),
    livePerSecond: LIVE_PER_SECOND / 3,
    subject: (place) => hookd(place, { endpoints: 3, others: OTHER_SUBSCRIBERS }),
    baseline: plain,
  },
  {
    ...INSERTS_TO_ONE,
    key: 'h',
    title: 'conditions on old and new, FULL images',
    against: 'bare',
    target: null,
    workload: UPDATES,
    baseline: alone,
  },
  {
    ...INSERTS_TO_ONE,
    key: 'i',
    title: 'catching up after downtime, with the start',
    against: 'bare',
    target: null,
    share: 10,
    livePerSecond: null,
    fromStart: true,
    baseline: alone,
  },
]

/** Half of them want another event, by name or pattern; the other half what belongs to somebody else. */
const OTHER_SUBSCRIBERS = `
  insert into hookd.subscribers (event, url, owner)
  select case when i % 4 = 0 then 'article.sold' when i % 4 = 2 then '*.sold' else 'article.*' end,
    'http://127.0.0.1:9/' || i,
    case when i % 2 = 1 then 'tenant ' || i end
  from generate_series(1, 9997) i`
