import { isAscii } from 'node:buffer'
import type { CatalogTable } from '../postgres/catalog.ts'
import { CellBudget, readText } from './cells.ts'
import type { Cell, Operation, Relation, RowChange, StreamSink } from './change.ts'
import type { Decoder, DecoderCatalog, DecoderLimits } from './decoder.ts'
import { MalformedMessage, reasonOf, unreadableStream } from './malformed.ts'
import { OpenTransaction } from './open-transaction.ts'
import {
  type RelationMessage,
  readBegin,
  readCommit,
  readLogicalMessage,
  readRelation,
  readTruncate,
} from './pgoutput-messages.ts'
import { buildRelation, keepRelation } from './relation.ts'

/** Messages of `pg_logical_emit_message` with this prefix are events. */
const PREFIX = 'hookd'

/** Up to here one string for the whole message, of which the cells are slices, is cheaper than one a cell. */
const SMALL_MESSAGE_BYTES = 65_536

interface KnownRelation {
  readonly message: RelationMessage
  /** What `relation.key` was taken from, under REPLICA IDENTITY FULL. */
  catalogTable: CatalogTable | undefined
  relation: Relation
}

/** Decodes pgoutput, protocol version 1, with the options of `pgoutputOptions`. */
export class PgoutputDecoder implements Decoder {
  readonly #open: OpenTransaction
  readonly #catalog: DecoderCatalog
  readonly #budget: CellBudget
  readonly #relations = new Map<number, KnownRelation>()
  /** Where the next tuple starts in the message. */
  #at = 0

  constructor(sink: StreamSink, catalog: DecoderCatalog, limits: DecoderLimits) {
    this.#open = new OpenTransaction(sink)
    this.#catalog = catalog
    this.#budget = new CellBudget(limits)
  }

  decode(message: Buffer, lsn: string): void {
    const kind = String.fromCharCode(message[0] ?? 0)
    try {
      this.#decode(kind, message, lsn)
    } catch (error) {
      if (kind === 'B' || kind === 'C' || !this.#open.isOpen) throw unreadableStream('pgoutput', lsn, error)
      this.#open.undecodable({ ...this.#about(kind, message), reason: reasonOf(error) }, lsn)
      if (kind === 'R' && message.length >= 5) this.#relations.delete(message.readUInt32BE(1))
    }
  }

  #decode(kind: string, message: Buffer, lsn: string): void {
    switch (kind) {
      case 'I':
        return this.#row('insert', message, lsn)
      case 'U':
        return this.#row('update', message, lsn)
      case 'D':
        return this.#row('delete', message, lsn)
      case 'B':
        return this.#open.begin(readBegin(message))
      case 'C':
        return this.#open.commit(readCommit(message))
      case 'R':
        return this.#relation(readRelation(message))
      case 'T':
        return this.#truncate(message, lsn)
      case 'M':
        return this.#message(message, lsn)
      case 'O': // origin
      case 'Y': // type
        return
      default:
        throw new MalformedMessage(`unknown pgoutput message ${JSON.stringify(kind)}`)
    }
  }

  #row(op: RowChange['op'], message: Buffer, lsn: string): void {
    const relation = this.#relationOf(message.readUInt32BE(1))
    const text = message.length <= SMALL_MESSAGE_BYTES && isAscii(message) ? message.toString('latin1') : null
    this.#at = 5
    let part = message[this.#at++]
    let old: { cells: Cell[]; isComplete: boolean } | null = null
    if (part === KEY || part === OLD) {
      old = { cells: this.#tuple(message, text, relation), isComplete: part === OLD }
      if (part === KEY) forgetAllButKey(relation, old.cells)
      if (op === 'update') part = message[this.#at++]
    }
    let now: Cell[] | null = null
    if (op !== 'delete') {
      if (part !== NEW) throw new MalformedMessage('the message holds no new row')
      now = this.#tuple(message, text, relation)
    }
    if (this.#at !== message.length) throw new MalformedMessage('the message has another length than its row')
    this.#open.row(op, relation, { old, new: now }, lsn)
  }

  #tuple(message: Buffer, text: string | null, relation: Relation): Cell[] {
    let at = this.#at
    const count = message.readUInt16BE(at)
    if (count !== relation.columns.length)
      throw new MalformedMessage('the row has another number of columns than its table')
    at += 2
    const cells = new Array<Cell>(count)
    this.#budget.reset()
    for (let i = 0; i < count; i++) {
      const kind = message[at++]
      if (kind === TEXT) {
        const bytes = message.readUInt32BE(at)
        at += 4
        const end = at + bytes
        if (end > message.length) throw new RangeError('the message ends within a value')
        cells[i] =
          this.#budget.refuse(bytes, relation.key.includes(i)) ??
          (text === null ? readText(message, at, end) : text.slice(at, end))
        at = end
      } else if (kind === NULL) cells[i] = null
      else if (kind === UNCHANGED) cells[i] = undefined
      else throw new MalformedMessage('a value is in the binary format, which hookd does not ask for')
    }
    this.#at = at
    return cells
  }

  #truncate(message: Buffer, lsn: string): void {
    for (const oid of readTruncate(message)) this.#open.truncate(this.#relationOf(oid), lsn)
  }

  #message(message: Buffer, lsn: string): void {
    const head = readLogicalMessage(message)
    if (!head.isTransactional || head.prefix !== PREFIX) return
    const refused = this.#budget.refuse(head.contentBytes, true)
    if (refused) throw new MalformedMessage(`the content of the message ${refused.reason}`)
    this.#open.emitted(head.content(), lsn)
  }

  #relation(message: RelationMessage): void {
    const known = this.#relations.get(message.oid)
    const fresh = this.#describe(message)
    this.#relations.set(message.oid, { ...fresh, relation: keepRelation(known?.relation, fresh.relation) })
  }

  #describe(message: RelationMessage): KnownRelation {
    const { schema, table, columns } = message
    const catalogTable = message.isFull ? this.#catalog.table(`${schema}.${table}`) : undefined
    const key = message.isFull ? (catalogTable?.key ?? []) : message.key
    return { message, catalogTable, relation: buildRelation(schema, table, { columns, key }) }
  }

  #relationOf(oid: number): Relation {
    const known = this.#relations.get(oid)
    if (!known) throw new MalformedMessage(`the table with OID ${oid} was not described before`)
    if (known.message.isFull && known.catalogTable !== this.#catalog.table(known.relation.name)) {
      this.#relation(known.message)
      return this.#relations.get(oid)!.relation
    }
    return known.relation
  }

  #about(kind: string, message: Buffer): { table: string | null; op: Operation | null } {
    const op = OPERATIONS[kind] ?? null
    const oid = op && op !== 'truncate' && message.length >= 5 ? message.readUInt32BE(1) : -1
    return { table: this.#relations.get(oid)?.relation.name ?? null, op }
  }
}

const OPERATIONS: Readonly<Record<string, Operation>> = { I: 'insert', U: 'update', D: 'delete', T: 'truncate' }

const KEY = 75
const OLD = 79
const NEW = 78
const TEXT = 116
const NULL = 110
const UNCHANGED = 117

/** A key tuple has all columns, those outside of the key as NULL: unknown, really. */
function forgetAllButKey(relation: Relation, cells: Cell[]): void {
  for (let i = 0; i < cells.length; i++) if (!relation.key.includes(i)) cells[i] = undefined
}
