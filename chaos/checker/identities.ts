import { hash } from 'node:crypto'
import type { RequestFact } from '../history.ts'
import type { Arrival } from './arrivals.ts'
import type { Envelope } from './envelope.ts'
import { messageKey } from './truth.ts'

/** Remembers which ids and bytes were seen, so that neither changes and no two messages share one. */
export class Identities {
  /** Hash of the body by `Hook-Delivery`. */
  readonly #bodies = new Map<string, string>()
  /** What an id was first given to. */
  readonly #owners = new Map<string, string>()

  /** Whether a request has the bytes that came before under its `Hook-Delivery`. */
  hasSameBytes({ headers }: RequestFact, body: Buffer): boolean {
    const delivery = headers['hook-delivery'] ?? ''
    const digest = hash('sha1', body, 'hex')
    const known = this.#bodies.get(delivery)
    if (known === undefined) this.#bodies.set(delivery, digest)
    return known === undefined || known === digest
  }

  /** What is wrong with the ids of a message in a request, as sentences; notes them in `arrival`. */
  faults({ headers }: RequestFact, arrival: Arrival, entry: Envelope): string[] {
    const { message, version } = arrival.expected
    const name = messageKey(message.event, message.stamp)
    const webhookId = headers['webhook-id'] ?? ''
    // In a batch both headers are the batch's own.
    if (version.isBatched) return [...this.#claim(entry.id ?? '', name), ...settle(arrival, entry.id ?? '')]
    const delivery = headers['hook-delivery'] ?? ''
    return [
      ...(entry.id !== null && entry.id !== webhookId ? ['webhook-id is not meta.id'] : []),
      ...this.#claim(webhookId, name),
      ...this.#claim(delivery, `${version.id} ${name}`),
      ...settle(arrival, delivery),
    ]
  }

  #claim(id: string, owner: string): string[] {
    const known = this.#owners.get(id)
    if (known === undefined) this.#owners.set(id, owner)
    return known === undefined || known === owner ? [] : [`the id ${id} belongs to ${known}`]
  }
}

function settle(arrival: Arrival, id: string): string[] {
  arrival.id ??= id
  return arrival.id === id ? [] : [`the id was ${arrival.id} and is ${id}`]
}
