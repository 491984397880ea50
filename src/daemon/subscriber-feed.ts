import type { Change, RowImage } from '../replication/change.ts'
import type { DirectoryChanges } from '../ledger/progress.ts'
import type { Directory } from '../subscriptions/directory.ts'
import type { SubscriberRow, SubscriberRules } from '../subscriptions/parse-subscriber.ts'
import { parseSubscriber } from '../subscriptions/parse-subscriber.ts'
import type { Subscriber } from '../subscriptions/subscriber.ts'

export interface SubscriberFeedPorts {
  readonly directory: Directory
  readonly rules: SubscriberRules
  updated(subscriber: Subscriber): void
  removed(id: string): void
  /** A row that cannot be used: its owner is told in the table. */
  quarantined(id: string, problem: string): void
}

interface Pending {
  readonly endLsn: bigint
  readonly id: string
  /** Null for a row that was deleted. */
  readonly row: SubscriberRow | null
}

/**
 * Keeps the directory in step with the stream, and remembers what has to be saved of it: the saved directory is always
 * that of the confirmed position, so that a restart from there knows who was subscribed then.
 */
export class SubscriberFeed {
  readonly #ports: SubscriberFeedPorts
  #pending: Pending[] = []

  constructor(ports: SubscriberFeedPorts) {
    this.#ports = ports
  }

  /** Loads one saved row. */
  load(row: SubscriberRow): void {
    const { subscriber, problem } = parseSubscriber(row, this.#ports.rules)
    this.#ports.directory.set(subscriber)
    if (problem !== null) this.#ports.quarantined(subscriber.id, problem)
  }

  /** Changes of one transaction, now that it has committed. */
  apply(changes: readonly Change[], endLsn: bigint): void {
    for (const change of changes) {
      if (change.kind === 'truncate') {
        for (const id of this.#ports.directory.ids()) this.#remove(id, endLsn)
      } else if (change.kind === 'row') {
        const row = change.new === null ? null : rowOf(change.new)
        const oldId = change.old === null ? null : rowOf(change.old)['id']
        if (oldId && oldId !== row?.['id']) this.#remove(oldId, endLsn)
        if (row !== null) this.#set(row, endLsn)
      }
    }
  }

  /** What the saved directory needs once everything up to `lsn` is settled; null where nothing has changed. */
  take(lsn: bigint): DirectoryChanges | null {
    if (this.#pending.length === 0 || this.#pending[0]!.endLsn > lsn) return null
    const rows = new Map<string, SubscriberRow | null>()
    let taken = 0
    for (const { endLsn, id, row } of this.#pending) {
      if (endLsn > lsn) break
      rows.set(id, row)
      taken++
    }
    this.#pending = this.#pending.slice(taken)
    const saved = new Map([...rows].filter((entry): entry is [string, SubscriberRow] => entry[1] !== null))
    const removed = [...rows].filter(([, row]) => row === null).map(([id]) => id)
    return { saved, removed }
  }

  #set(row: SubscriberRow, endLsn: bigint): void {
    const { subscriber, problem } = parseSubscriber(row, this.#ports.rules)
    const isQuarantined = problem !== null && this.#ports.directory.get(subscriber.id)?.disabledReason === problem
    this.#ports.directory.set(subscriber)
    this.#pending.push({ endLsn, id: subscriber.id, row })
    this.#ports.updated(subscriber)
    if (problem !== null && !isQuarantined) this.#ports.quarantined(subscriber.id, problem)
  }

  #remove(id: string, endLsn: bigint): void {
    this.#ports.directory.delete(id)
    this.#pending.push({ endLsn, id, row: null })
    this.#ports.removed(id)
  }
}

function rowOf(image: RowImage): SubscriberRow {
  const row: Record<string, string | null> = {}
  image.relation.columns.forEach(({ name }, at) => {
    const cell = image.cells[at]
    if (typeof cell === 'string' || cell === null) row[name] = cell
  })
  return row
}
