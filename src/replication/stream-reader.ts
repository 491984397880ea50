import type { Change, Position, StreamSink, Transaction } from './change.ts'
import { parseLsn } from './lsn.ts'
import { comparePositions, formatPosition } from './position.ts'

/** Counts what a transaction waits for; see `ConfirmRule`. */
interface Token {
  open(): void
  settle(): void
}

export interface StreamReaderPorts<T extends Token> {
  readonly confirmRule: { begin(): T; commit(token: T, endLsn: bigint): void }
  /** `position` is given where an earlier run has dispatched the change already. */
  dispatch(change: Change, token: T, position: Position | null): void
  /** The changes of `hookd.subscribers` in a transaction: they take effect with its commit. */
  committed(changes: readonly Change[], endLsn: bigint): void
  /** Whether positions are needed to tell what an earlier run has settled. */
  covers(position: Position): boolean
}

const SUBSCRIBERS = 'hookd.subscribers'

/**
 * Follows the stream of one slot through transactions and reconnections.
 *
 * After a reconnection the server sends everything again that was not confirmed; what this reader has passed on before
 * is dropped here, so that nothing in memory is doubled.
 */
export class StreamReader<T extends Token> implements StreamSink {
  readonly #ports: StreamReaderPorts<T>
  #token: T | null = null
  #transaction: Transaction | null = null
  #lastCommitLsn: bigint
  /** The last change passed on. */
  #last: { commitLsn: bigint; lsn: string; ordinal: number } | null = null
  #isRepeated = false
  #isCatchingUp = false
  #mayBeCovered: boolean
  #subscriberChanges: Change[] = []

  /** `settledUpTo`: transactions that ended before it are dropped; the server may have been asked for earlier ones. */
  constructor(ports: StreamReaderPorts<T>, mayBeCovered: boolean, settledUpTo = 0n) {
    this.#ports = ports
    this.#mayBeCovered = mayBeCovered
    this.#lastCommitLsn = settledUpTo - 1n
  }

  /** Between BEGIN and COMMIT. */
  get isInTransaction(): boolean {
    return this.#transaction !== null
  }

  /** Just past the start of the last commit record that was read, also of the transaction being read. */
  get seenUpto(): bigint {
    return (this.#transaction?.commitLsn ?? this.#lastCommitLsn) + 1n
  }

  /** Commit time of the transaction being read, or of the last one. */
  committedAt: string | null = null

  /** `readUpto` of the progress record. */
  get readUpto(): string | null {
    if (this.#last === null) return null
    return formatPosition({ ...this.#last, lsn: parseLsn(this.#last.lsn) })
  }

  begin(transaction: Transaction): void {
    this.committedAt = transaction.committedAt
    this.#isRepeated = transaction.commitLsn <= this.#lastCommitLsn
    if (this.#isRepeated) return
    const isContinued = this.#transaction?.commitLsn === transaction.commitLsn
    this.#isCatchingUp = isContinued
    if (isContinued) return
    this.#transaction = transaction
    this.#subscriberChanges = []
    this.#token = this.#ports.confirmRule.begin()
  }

  change(change: Change): void {
    if (this.#isRepeated || this.#token === null) return
    const { transaction, lsn, ordinal } = change
    if (this.#isCatchingUp) {
      if (this.#last?.commitLsn === transaction.commitLsn && !this.#isBehindLast(change)) return
      this.#isCatchingUp = false
    }
    if (isOfSubscribers(change)) this.#subscriberChanges.push(change)
    else this.#ports.dispatch(change, this.#token, this.#covered(change))
    this.#last = { commitLsn: transaction.commitLsn, lsn, ordinal }
  }

  commit(transaction: Transaction, endLsn: bigint): void {
    if (this.#isRepeated || this.#token === null) return
    this.#ports.confirmRule.commit(this.#token, endLsn)
    this.#token = null
    this.#transaction = null
    this.#lastCommitLsn = transaction.commitLsn
    if (this.#subscriberChanges.length > 0) this.#ports.committed(this.#subscriberChanges, endLsn)
  }

  #covered(change: Change): Position | null {
    if (!this.#mayBeCovered) return null
    const { commitLsn } = change.transaction
    const position = { commitLsn, lsn: parseLsn(change.lsn), ordinal: change.ordinal }
    if (this.#ports.covers(position)) return position
    this.#mayBeCovered = false
    return null
  }

  #isBehindLast(change: Change): boolean {
    const last = this.#last!
    const position = { commitLsn: change.transaction.commitLsn, lsn: parseLsn(change.lsn), ordinal: change.ordinal }
    return comparePositions(position, { ...last, lsn: parseLsn(last.lsn) }) > 0
  }
}

function isOfSubscribers(change: Change): boolean {
  return (change.kind === 'row' || change.kind === 'truncate') && change.relation.name === SUBSCRIBERS
}
