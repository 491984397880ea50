import type { Change, StreamSink, Transaction, UndecodableChange } from './change.ts'
import type { Decoder } from './decoder.ts'
import { MalformedMessage, reasonOf, unreadableStream } from './malformed.ts'
import { TransactionChanges } from './transaction-changes.ts'

/** What both decoders share: the frame of a transaction, and what becomes of a message that cannot be decoded. */
export abstract class PluginDecoder implements Decoder {
  readonly #sink: StreamSink
  #open: TransactionChanges | null = null

  constructor(sink: StreamSink) {
    this.#sink = sink
  }

  decode(message: Buffer, lsn: string): void {
    const kind = this.kindOf(message)
    if (kind === 'B') return this.#begin(message, lsn)
    const open = this.#open
    if (!open && kind === NON_TRANSACTIONAL) return
    if (!open) throw unreadableStream(lsn, new MalformedMessage('it lies outside of all'))
    if (kind === 'C') return this.#commit(open, message, lsn)
    const change = this.#changeOf(kind, message, { lsn, open })
    if (Array.isArray(change)) for (const one of change) this.#sink.change(one)
    else if (change) this.#sink.change(change)
  }

  /** The letter by which the plugin tells its messages apart; both call BEGIN `B` and COMMIT `C`. */
  protected abstract kindOf(message: Buffer): string
  protected abstract readBegin(message: Buffer): Transaction
  protected abstract readEndLsn(message: Buffer): bigint
  /** What a message means. Throws where it cannot be decoded. */
  protected abstract readChange(kind: string, message: Buffer, at: ChangeContext): Change | Change[] | null
  /** What can be said of a message that cannot be decoded. */
  protected abstract describe(kind: string, message: Buffer): Pick<UndecodableChange, 'table' | 'op'>

  #changeOf(kind: string, message: Buffer, at: ChangeContext): Change | Change[] | null {
    try {
      return this.readChange(kind, message, at)
    } catch (error) {
      return at.open.undecodable({ ...this.describe(kind, message), reason: reasonOf(error) }, at.lsn)
    }
  }

  #begin(message: Buffer, lsn: string): void {
    const transaction = orUnreadable(lsn, () => this.readBegin(message))
    this.#open = new TransactionChanges(transaction)
    this.#sink.begin(transaction)
  }

  #commit({ transaction }: TransactionChanges, message: Buffer, lsn: string): void {
    const endLsn = orUnreadable(lsn, () => this.readEndLsn(message))
    this.#open = null
    this.#sink.commit(transaction, endLsn)
  }
}

/** Both plugins send what `pg_logical_emit_message(false, …)` wrote as an `M`, also outside of transactions. */
const NON_TRANSACTIONAL = 'M'

/** Where a change lies. */
export interface ChangeContext {
  readonly lsn: string
  readonly open: TransactionChanges
}

function orUnreadable<T>(lsn: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw unreadableStream(lsn, error)
  }
}
