import { isAscii } from 'node:buffer'
import type { CatalogTable } from '../postgres/catalog.ts'
import { CellBudget, readText } from './cells.ts'
import type {
  Cell,
  Change,
  Operation,
  Relation,
  RowChange,
  StreamSink,
  Transaction,
  UndecodableChange,
} from './change.ts'
import { CommitClock } from './commit-time.ts'
import type { DecoderCatalog, DecoderLimits } from './decoder.ts'
import { MalformedMessage } from './malformed.ts'
import {
  type RelationMessage,
  readBegin,
  readEndLsn,
  readLogicalMessage,
  readRelation,
  readTruncate,
} from './pgoutput-messages.ts'
import { type ChangeContext, PluginDecoder } from './plugin-decoder.ts'
import { buildRelation, keepRelation } from './relation.ts'

/** Messages of `pg_logical_emit_message` with this prefix are events. */
const PREFIX = 'hookd'

/** Up to here one string for the whole message, of which the cells are slices, is cheaper than one a cell. */
const SMALL_MESSAGE_BYTES = 65_536

interface KnownRelation {
  readonly message: RelationMessage
  /** What the catalog said when `relation` was made. */
  readonly catalogTable: CatalogTable | undefined
  readonly relation: Relation
  /** What becomes of each column that is sent. */
  readonly fates: readonly ('key' | 'value' | 'dropped')[]
}

/** Decodes pgoutput, protocol version 1, with the options of `pgoutputOptions`. */
export class PgoutputDecoder extends PluginDecoder {
  readonly #catalog: DecoderCatalog
  readonly #budget: CellBudget
  readonly #clock = new CommitClock()
  readonly #relations = new Map<number, KnownRelation>()
  /** Where the next tuple starts in the message. */
  #at = 0

  constructor(sink: StreamSink, catalog: DecoderCatalog, limits: DecoderLimits) {
    super(sink)
    this.#catalog = catalog
    this.#budget = new CellBudget(limits)
  }

  protected override kindOf(message: Buffer): string {
    return String.fromCharCode(message[0] ?? 0)
  }

  protected override readBegin(message: Buffer): Transaction {
    return readBegin(message, this.#clock)
  }

  protected override readEndLsn(message: Buffer): bigint {
    return readEndLsn(message)
  }

  protected override readChange(kind: string, message: Buffer, at: ChangeContext): Change | Change[] | null {
    switch (kind) {
      case 'I':
        return this.#row('insert', message, at)
      case 'U':
        return this.#row('update', message, at)
      case 'D':
        return this.#row('delete', message, at)
      case 'R':
        this.#relation(message)
        return null
      case 'T':
        return readTruncate(message).map((oid) => at.open.truncate(this.#known(oid).relation, at.lsn))
      case 'M':
        return this.#message(message, at)
      case 'O': // origin
      case 'Y': // type
        return null
      default:
        throw new MalformedMessage(`pgoutput has no message ${JSON.stringify(kind)}`)
    }
  }

  protected override describe(kind: string, message: Buffer): Pick<UndecodableChange, 'table' | 'op'> {
    const op = OPERATIONS[kind] ?? null
    const oid = op && op !== 'truncate' && message.length >= 5 ? message.readUInt32BE(1) : -1
    return { table: this.#relations.get(oid)?.relation.name ?? null, op }
  }

  #row(op: RowChange['op'], message: Buffer, { lsn, open }: ChangeContext): Change {
    const known = this.#known(message.readUInt32BE(1))
    const text = message.length <= SMALL_MESSAGE_BYTES && isAscii(message) ? message.toString('latin1') : null
    this.#at = 5
    let part = message[this.#at++]
    let old: { cells: Cell[]; isComplete: boolean } | null = null
    if (part === KEY || part === OLD) {
      old = { cells: this.#tuple(message, text, known), isComplete: part === OLD }
      if (part === KEY) forgetAllButKey(known.relation, old.cells)
      if (op === 'update') part = message[this.#at++]
    }
    let now: Cell[] | null = null
    if (op !== 'delete') {
      if (part !== NEW) throw new MalformedMessage('the message holds no new row')
      now = this.#tuple(message, text, known)
    }
    if (this.#at !== message.length) throw new MalformedMessage('the message has another length than its row')
    return open.row(op, known.relation, { old, new: now }, lsn)
  }

  #tuple(message: Buffer, text: string | null, { fates }: KnownRelation): Cell[] {
    let at = this.#at
    const count = message.readUInt16BE(at)
    if (count !== fates.length) throw new MalformedMessage('the row has another number of columns than its table')
    at += 2
    const cells: Cell[] = []
    this.#budget.reset()
    for (const fate of fates) {
      const kind = message[at++]
      let cell: Cell = undefined
      if (kind === TEXT) {
        const start = at + 4
        const end = start + message.readUInt32BE(at)
        if (end > message.length) throw new MalformedMessage('the message ends within a value')
        if (fate !== 'dropped')
          cell = this.#budget.refuse(end - start, fate === 'key') ?? readCell(message, text, start, end)
        at = end
      } else if (kind === NULL) cell = null
      else if (kind !== UNCHANGED) throw new MalformedMessage('a value is not in the text format, which hookd asks for')
      if (fate !== 'dropped') cells.push(cell)
    }
    this.#at = at
    return cells
  }

  #message(message: Buffer, { lsn, open }: ChangeContext): Change | null {
    const head = readLogicalMessage(message)
    if (!head.isTransactional || head.prefix !== PREFIX) return null
    const refused = this.#budget.refuse(head.contentBytes, true)
    if (refused) throw new MalformedMessage(`the content of the message ${refused.reason}`)
    return open.emitted(head.content(), lsn)
  }

  #relation(message: Buffer): void {
    const oid = message.readUInt32BE(1)
    const known = this.#relations.get(oid)
    this.#relations.delete(oid)
    this.#remember(readRelation(message), known?.relation)
  }

  #remember(message: RelationMessage, known: Relation | undefined): KnownRelation {
    const { schema, table } = message
    const catalogTable = this.#catalog.table(`${schema}.${table}`)
    const generated = catalogTable?.columns.filter((column) => column.generated).map(({ name }) => name) ?? []
    const columns = message.columns.filter(({ name }) => !generated.includes(name))
    const key = message.isFull ? (catalogTable?.key ?? []) : message.key
    const fresh: KnownRelation = {
      message,
      catalogTable,
      relation: keepRelation(known, buildRelation(schema, table, { columns, key })),
      fates: message.columns.map(({ name }) =>
        generated.includes(name) ? 'dropped' : key.includes(name) ? 'key' : 'value',
      ),
    }
    this.#relations.set(message.oid, fresh)
    return fresh
  }

  /** The catalog knows the key under REPLICA IDENTITY FULL, and which columns are generated. */
  #known(oid: number): KnownRelation {
    const known = this.#relations.get(oid)
    if (!known) throw new MalformedMessage(`the table with OID ${oid} was not described before`)
    const isCurrent = known.catalogTable === this.#catalog.table(known.relation.name)
    return isCurrent ? known : this.#remember(known.message, known.relation)
  }
}

const OPERATIONS: Readonly<Record<string, Operation>> = { I: 'insert', U: 'update', D: 'delete', T: 'truncate' }

const KEY = 75
const OLD = 79
const NEW = 78
const TEXT = 116
const NULL = 110
const UNCHANGED = 117

function readCell(message: Buffer, text: string | null, start: number, end: number): Cell {
  return text === null ? readText(message, start, end) : text.slice(start, end)
}

/** A key tuple has all columns, those outside of the key as NULL: unknown, really. */
function forgetAllButKey(relation: Relation, cells: Cell[]): void {
  for (let i = 0; i < cells.length; i++) if (!relation.key.includes(i)) cells[i] = undefined
}
