import { isSameCell } from './cells.ts'
import type {
  Cell,
  EmittedMessage,
  Relation,
  RowChange,
  Transaction,
  TruncateChange,
  UndecodableChange,
} from './change.ts'

/** The cells of a row change as a plugin sent them. */
export interface SentCells {
  /** `isComplete`: the whole row, not only the key. */
  readonly old: { readonly cells: Cell[]; readonly isComplete: boolean } | null
  readonly new: Cell[] | null
}

/** Makes the changes of one transaction, in stream order: they share the transaction and get their ordinals here. */
export class TransactionChanges {
  readonly transaction: Transaction
  #lsn = ''
  #ordinal = 0

  constructor(transaction: Transaction) {
    this.transaction = transaction
  }

  row(op: RowChange['op'], relation: Relation, sent: SentCells, lsn: string): RowChange {
    const { old, new: now } = sent
    if (old && now) fillUnknown(now, old.cells)
    const kept = old && (old.isComplete || !now || hasOtherKey(relation, old.cells, now)) ? old : null
    return {
      kind: 'row',
      op,
      transaction: this.transaction,
      lsn,
      ordinal: this.#nextOrdinal(lsn),
      relation,
      old: kept && { relation, cells: kept.cells },
      oldComplete: kept !== null && kept.isComplete,
      new: now && { relation, cells: now },
    }
  }

  /** Always ordinal 0: the tables of one TRUNCATE differ in name, and which of them are sent depends on the plugin. */
  truncate(relation: Relation, lsn: string): TruncateChange {
    return { kind: 'truncate', op: 'truncate', transaction: this.transaction, lsn, ordinal: 0, relation }
  }

  emitted(content: string, lsn: string): EmittedMessage {
    return { kind: 'emitted', transaction: this.transaction, lsn, ordinal: this.#nextOrdinal(lsn), content }
  }

  undecodable(what: Pick<UndecodableChange, 'table' | 'op' | 'reason'>, lsn: string): UndecodableChange {
    return { kind: 'undecodable', transaction: this.transaction, lsn, ordinal: this.#nextOrdinal(lsn), ...what }
  }

  #nextOrdinal(lsn: string): number {
    this.#ordinal = lsn === this.#lsn ? this.#ordinal + 1 : 0
    this.#lsn = lsn
    return this.#ordinal
  }
}

/** What the new row lacks is a TOASTed value that did not change. */
function fillUnknown(now: Cell[], old: readonly Cell[]): void {
  for (let i = 0; i < now.length; i++) if (now[i] === undefined) now[i] = old[i]
}

function hasOtherKey(relation: Relation, old: readonly Cell[], now: readonly Cell[]): boolean {
  return !relation.key.every((i) => isSameCell(old[i], now[i]))
}
