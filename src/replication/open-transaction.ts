import { isSameCell } from './cells.ts'
import { MalformedMessage } from './malformed.ts'
import type { Cell, Operation, Relation, RowChange, StreamSink, Transaction } from './change.ts'

/** The cells of a row change as a plugin sent them. */
export interface SentCells {
  /** `isComplete`: the whole row, not only the key. */
  readonly old: { readonly cells: Cell[]; readonly isComplete: boolean } | null
  readonly new: Cell[] | null
}

/** The transaction that is being decoded: gives its changes their ordinals and hands them to the sink. */
export class OpenTransaction {
  readonly #sink: StreamSink
  #transaction: Transaction | null = null
  #lsn = ''
  #ordinal = 0

  constructor(sink: StreamSink) {
    this.#sink = sink
  }

  get isOpen(): boolean {
    return this.#transaction !== null
  }

  begin(transaction: Transaction): void {
    this.#transaction = transaction
    this.#lsn = ''
    this.#sink.begin(transaction)
  }

  commit(endLsn: bigint): void {
    const transaction = this.#current()
    this.#transaction = null
    this.#sink.commit(transaction, endLsn)
  }

  row(op: RowChange['op'], relation: Relation, sent: SentCells, lsn: string): void {
    const { old, new: now } = sent
    if (old && now) fillUnknown(now, old.cells)
    const kept = old && (old.isComplete || !now || hasOtherKey(relation, old.cells, now)) ? old : null
    this.#sink.change({
      kind: 'row',
      op,
      transaction: this.#current(),
      lsn,
      ordinal: this.#nextOrdinal(lsn),
      relation,
      old: kept && { relation, cells: kept.cells },
      oldComplete: kept !== null && kept.isComplete,
      new: now && { relation, cells: now },
    })
  }

  /** Always ordinal 0: the tables of one TRUNCATE differ in name, and which of them are sent depends on the plugin. */
  truncate(relation: Relation, lsn: string): void {
    this.#sink.change({
      kind: 'truncate',
      op: 'truncate',
      transaction: this.#current(),
      lsn,
      ordinal: 0,
      relation,
    })
  }

  emitted(content: string, lsn: string): void {
    this.#sink.change({
      kind: 'emitted',
      transaction: this.#current(),
      lsn,
      ordinal: this.#nextOrdinal(lsn),
      content,
    })
  }

  undecodable(what: { table: string | null; op: Operation | null; reason: string }, lsn: string): void {
    this.#sink.change({
      kind: 'undecodable',
      transaction: this.#current(),
      lsn,
      ordinal: this.#nextOrdinal(lsn),
      ...what,
    })
  }

  #current(): Transaction {
    if (!this.#transaction) throw new MalformedMessage('it lies outside of a transaction')
    return this.#transaction
  }

  #nextOrdinal(lsn: string): number {
    this.#ordinal = lsn === this.#lsn ? this.#ordinal + 1 : 0
    this.#lsn = lsn
    return this.#ordinal
  }
}

/** What is missing from the new row is a TOASTed value that did not change. */
function fillUnknown(now: Cell[], old: readonly Cell[]): void {
  for (let i = 0; i < now.length; i++) if (now[i] === undefined) now[i] = old[i]
}

function hasOtherKey(relation: Relation, old: readonly Cell[], now: readonly Cell[]): boolean {
  return !relation.key.every((i) => isSameCell(old[i], now[i]))
}
