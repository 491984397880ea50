import type { ChangeFact, TransactionFact } from '../history.ts'
import { type Change, type Message, messagesOf } from './events.ts'
import { type Exact, parseExact } from './json.ts'
import { isFor, readVersion, type Version } from './subscriber.ts'

/** A message that a subscriber has to receive. */
export interface Expected {
  readonly message: Message
  /** The subscriber as it was for the transaction. */
  readonly version: Version
  /** Index of its transaction in the order of commits. */
  readonly position: number
}

/** What was committed, in order, and what follows from it. */
export interface Truth {
  readonly transactions: readonly TransactionFact[]
  /** By subscriber, in the order of commits. */
  readonly expected: ReadonlyMap<string, readonly Expected[]>
  /** By `event stamp`. */
  readonly messages: ReadonlyMap<string, { readonly message: Message; readonly position: number }>
  /** By subscriber; the last one ends where the subscriber was removed. */
  readonly versions: ReadonlyMap<string, readonly Version[]>
}

/** Names a message: an event sends a row version once. */
export function messageKey(event: string, stamp: string): string {
  return `${event} ${stamp}`
}

/**
 * Replays what was committed. Throws where the two sources of the truth contradict each other, because then no verdict
 * is worth anything.
 */
export function establishTruth(transactions: readonly TransactionFact[], changes: readonly ChangeFact[]): Truth {
  const ordered = transactions.toSorted((a, b) => compare(lsnOf(a), lsnOf(b)))
  const byXid = Map.groupBy(changes, ({ xid }) => xid)
  const committed = new Set(ordered.map(({ xid }) => xid))
  const unknown = changes.find(({ xid }) => !committed.has(xid))
  if (unknown) throw new Error(`the journal has transaction ${unknown.xid}, whose commit the slot did not show`)
  const replay = new Replay()
  for (const [position, transaction] of ordered.entries()) {
    const own = byXid.get(transaction.xid)
    if (own === undefined) throw new Error(`the slot showed transaction ${transaction.xid}, which left no journal`)
    replay.apply(own.toSorted((a, b) => a.seq - b.seq).map(parseChange), position, transaction)
  }
  const { expected, messages, versions } = replay
  return { transactions: ordered, expected, messages, versions }
}

class Replay {
  readonly expected = new Map<string, Expected[]>()
  readonly messages = new Map<string, { message: Message; position: number }>()
  readonly versions = new Map<string, Version[]>()
  readonly #current = new Map<string, Version>()

  /** Subscribers change for the transactions after this one. */
  apply(changes: readonly Change[], position: number, { committedAt }: TransactionFact): void {
    for (const message of changes.flatMap(messagesOf)) {
      this.messages.set(messageKey(message.event, message.stamp), { message, position })
      for (const version of this.#current.values()) {
        if (!isFor(version, message)) continue
        const list = this.expected.get(version.id) ?? []
        list.push({ message, version, position })
        this.expected.set(version.id, list)
      }
    }
    const at = Math.floor(Number(committedAt) / 1000)
    for (const change of changes) {
      if (change.source === 'hookd.subscribers') this.#changeSubscriber(change, position, at)
    }
  }

  #changeSubscriber({ op, old, new: row }: Change, position: number, at: number): void {
    const version = readVersion(op === 'delete' ? old : row, { from: position, at })
    const previous = this.#current.get(version.id)
    if (previous) previous.upto = position
    if (op === 'delete') {
      this.#current.delete(version.id)
      return
    }
    this.#current.set(version.id, version)
    this.versions.set(version.id, [...(this.versions.get(version.id) ?? []), version])
  }
}

function parseChange({ source, op, old, new: row, xid }: ChangeFact): Change {
  return { source, op, old: parseRow(old), new: parseRow(row), xid }
}

function parseRow(text: string | null): Exact {
  return text === null ? null : parseExact(text)
}

function lsnOf({ commitLsn }: TransactionFact): bigint {
  const [high = '', low = ''] = commitLsn.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
