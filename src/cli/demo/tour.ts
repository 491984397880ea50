import type pg from 'pg'
import { HookdError } from '../../errors.ts'
import { headerOf } from '../show-webhook.ts'
import { webhookProblem } from '../webhook-problem.ts'
import type { Arrival, Endpoint } from './endpoint.ts'
import { formatArrival, formatContent, formatNote, formatSql, formatTitle, type Verdict } from './show.ts'
import { STOPS, type Stop } from './stops.ts'

export interface TourPorts {
  readonly client: pg.Client
  readonly endpoint: Endpoint
  /** The subscriber's `hmac_secret`. */
  readonly secret: string
  readonly signal: AbortSignal
  readonly print: (text: string) => void
}

/** What the tour has shown. */
export interface TourSummary {
  readonly stops: number
  readonly webhooks: number
  /** Of first attempts, from commit to receipt. */
  readonly medianMs: number
}

/**
 * Takes the visitor from stop to stop: runs each statement and shows the webhooks that it caused. Rejects with a
 * HookdError where something else comes than should, or is not rightly signed.
 */
export async function takeTour(ports: TourPorts): Promise<TourSummary> {
  const { client, endpoint, signal, print } = ports
  const times: number[] = []
  let webhooks = 0
  for (const [at, stop] of STOPS.entries()) {
    print(formatTitle(`${at + 1}. ${stop.title}`))
    for (const line of stop.notes) print(formatNote(line))
    print(`\n${formatSql(stop.sql)}`)
    endpoint.failures = stop.failures
    await client.query(stop.sql)
    const arrivals: Arrival[] = []
    for (let left = stop.events.length + stop.failures; left > 0; left--) {
      const arrival = await endpoint.next(signal)
      const verdict = judge(arrival, ports.secret)
      print(formatArrival(arrival, verdict))
      if (arrivals.length === 0 || stop.failures === 0) print(formatContent(arrival))
      demand(verdict.problem === null, `a signature was wrong: ${verdict.problem}`)
      if (arrivals.length === 0 && verdict.afterMs !== null) times.push(verdict.afterMs)
      arrivals.push(arrival)
    }
    checkStop(stop, arrivals)
    if (stop.after) print(formatNote(stop.after))
    webhooks += arrivals.length
  }
  return { stops: STOPS.length, webhooks, medianMs: times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0 }
}

/** Shows what comes from now on, until the signal. */
export async function showArrivals({ endpoint, secret, signal, print }: TourPorts): Promise<never> {
  for (;;) {
    const arrival = await endpoint.next(signal, { patiently: true })
    print(formatArrival(arrival, judge(arrival, secret)))
    print(formatContent(arrival))
  }
}

function judge({ request }: Arrival, secret: string): Verdict {
  const committed = /"committed_at":"([^"]+?)(\d{3})Z"/.exec(request.body.toString('utf8'))
  const [, toMs = '', micros = '0'] = committed ?? []
  const afterMs = committed === null ? null : request.at - Date.parse(`${toMs}Z`) - Number(micros) / 1000
  return { problem: webhookProblem(request, secret, 'sha256'), afterMs }
}

function checkStop({ events, failures }: Stop, arrivals: readonly Arrival[]): void {
  const [first] = arrivals
  if (failures > 0 && first) {
    const id = headerOf(first.request, 'hook-delivery')
    const same = arrivals.every(({ request }) => {
      return headerOf(request, 'hook-delivery') === id && request.body.equals(first.request.body)
    })
    demand(same, 'a retry was not the same delivery, byte for byte')
    return
  }
  const came = arrivals.map(({ event }) => event).toSorted()
  demand(came.join() === events.toSorted().join(), `${came.join(', ')} came instead of ${events.join(', ')}`)
}

function demand(holds: boolean, sentence: string): void {
  if (!holds) throw new HookdError('HOOKD_DEMO_SURPRISE', `the demo went wrong: ${sentence}.`)
}
