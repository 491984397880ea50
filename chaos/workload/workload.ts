import type { Cluster } from '../cluster.ts'
import { Dice } from '../random.ts'
import type { Receivers } from '../receivers/receivers.ts'
import { changeSubscribers, type OpenEndpoint, subscribeFirst } from './subscriptions.ts'
import { writeTransaction } from './transactions.ts'
import { keepWriting } from './writer.ts'

const WRITERS = 5
/** Each writer's mean pause, so that a daemon that is killed all the time can keep up. */
const PAUSE_MS = 200
const SUBSCRIPTION_PAUSE_MS = 900

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
      return keepWriting((each) => writeTransaction(each, dice), { connect, pause }, this.#stop.signal)
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
    this.#writers = Promise.all([...writers, churn])
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
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#writers
  }
}
