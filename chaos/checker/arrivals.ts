import type { RequestFact } from '../history.ts'
import type { Expected } from './truth.ts'

/** Where in the stream of requests something arrived; within a batch the place counts. */
export interface Place {
  readonly request: number
  readonly index: number
}

/** What became of one message for one subscriber. */
export interface Arrival {
  readonly expected: Expected
  first: Place | null
  /** Milliseconds: when `first` came. */
  firstAt: number
  /** The first one that the sender may take for delivered. */
  settled: Place | null
  /** Milliseconds: when the first one was answered that the sender must take for delivered. */
  answeredAt: number | null
  /** `Hook-Delivery`, or within a batch `meta.id`. */
  id: string | null
}

/** A message that came again after it had been answered 2xx. */
export interface Duplicate {
  readonly subscriber: string
  readonly answeredAt: number
  readonly at: number
  readonly sameId: boolean
  readonly sameBytes: boolean
}

/** Enters a request and tells whether it repeats what was answered before. */
export function enter(arrival: Arrival, request: RequestFact, index: number): boolean {
  const place = { request: request.seq, index }
  const repeats = arrival.answeredAt !== null && request.at >= arrival.answeredAt
  if (arrival.first === null || isBefore(place, arrival.first)) {
    arrival.first = place
    arrival.firstAt = request.at
  }
  if (request.success !== 'no') arrival.settled = earlier(arrival.settled, place)
  if (request.success === 'yes') arrival.answeredAt ??= request.answeredAt
  return repeats
}

/** Requests are recorded when they are answered, which is not the order in which they came. */
function earlier(a: Place | null, b: Place): Place {
  return a === null || isBefore(b, a) ? b : a
}

/** Whether `a` came before `b`. */
export function isBefore(a: Place, b: Place): boolean {
  return a.request < b.request || (a.request === b.request && a.index < b.index)
}
