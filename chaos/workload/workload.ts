import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Cluster } from '../cluster.ts'
import { Dice } from '../random.ts'
import type { Receivers } from '../receivers/receivers.ts'
import { changeSubscribers, type OpenEndpoint, subscribeFirst } from './subscriptions.ts'
import { writeTransaction } from './transactions.ts'
import { keepWriting } from './writer.ts'

const WRITERS = 4
const PAUSE_MS = 200
const SUBSCRIPTION_PAUSE_MS = 900
/** The writers wait while hookd is so far behind, so that what is measured is its recovery and not a backlog. */
const MOST_PENDING = 1500
const MOST_LAG_BYTES = 4 * 1024 * 1024
const LOOK_EVERY_MS = 500

interface WorkloadPorts {
  readonly cluster: Cluster
  readonly receivers: Receivers
  readonly seed: number
}

/** Writers of rows, and one of subscribers, until it is stopped. */
export class Workload {
  readonly #stop = new AbortController()
  #writers: Promise<unknown> = Promise.resolve()
  #probes = 0
  #isAhead = false

  /** Subscribes the first endpoints, then starts the writers. */
  async start({ cluster, receivers, seed }: WorkloadPorts): Promise<void> {
    let endpoints = 0
    const open: OpenEndpoint = (behaviour) => receivers.url(behaviour, String(++endpoints))
    const client = await cluster.client()
    await client.query(`insert into hookd.subscribers (event, url, ordering) values ('probe.sent', $1, 'none')`, [
      receivers.url('healthy', 'probe'),
    ])
    await subscribeFirst(client, open)
    await client.end()
    const connect = () => cluster.client()
    const writers = Array.from({ length: WRITERS }, (_, at) => {
      const dice = new Dice(seed, `writer ${at}`)
      const pause = () => dice.between(0, 2 * PAUSE_MS)
      const write = async (each: pg.Client) => (this.#isAhead ? undefined : writeTransaction(each, dice))
      return keepWriting(write, { connect, pause }, this.#stop.signal)
    })
    const dice = new Dice(seed, 'subscriptions')
    const pause = () => dice.between(0, 2 * SUBSCRIPTION_PAUSE_MS)
    const churn = keepWriting(
      async (each) => {
        await each.query('begin')
        await changeSubscribers(each, { dice, open })
        if (dice.chance(0.3)) await each.query(`update item set stamp = nextval('chaos.stamps') where id < 5`)
        await each.query(dice.chance(0.1) ? 'rollback' : 'commit')
      },
      { connect, pause },
      this.#stop.signal,
    )
    this.#writers = Promise.all([...writers, churn, this.#look(cluster)])
  }

  async #look(cluster: Cluster): Promise<void> {
    const behind = `select
        (select count(*) from (select from hookd.deliveries where state = 'pending' limit ${MOST_PENDING}) as some)
          = ${MOST_PENDING}
        or (select pg_current_wal_lsn() - lsn > ${MOST_LAG_BYTES} from hookd.progress) as is_behind`
    while (!this.#stop.signal.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      const [row] = await cluster.query<{ is_behind: boolean }>(behind).catch(() => [])
      this.#isAhead = row?.is_behind ?? false
    }
  }

  /** Commits a probe as soon as the server takes it, and gives when it arrived; null where it has not by `timeoutMs`. */
  async probe({ cluster, receivers }: Pick<WorkloadPorts, 'cluster' | 'receivers'>, timeoutMs: number) {
    const text = `probe ${++this.#probes} end`
    const arrival = receivers.arrival(text, timeoutMs)
    const deadline = Date.now() + timeoutMs
    for (;;) {
      try {
        await cluster.query(`select chaos.emit('probe.sent', jsonb_build_object('text', $1::text), null, null)`, [text])
        return await arrival
      } catch {
        // An unknown outcome: a second copy only makes the probe arrive once more.
        if (Date.now() >= deadline) return null
        await sleep(20)
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#writers
  }
}
