import { CellBudget, readText } from './cells.ts'
import {
  type Change,
  type Operation,
  type RowChange,
  type StreamSink,
  type Transaction,
  type UndecodableChange,
  Unreadable,
} from './change.ts'
import { parseCommitTime } from './commit-time.ts'
import type { DecoderCatalog, DecoderLimits } from './decoder.ts'
import { parseLsn } from './lsn.ts'
import { MalformedMessage } from './malformed.ts'
import { type ChangeContext, PluginDecoder } from './plugin-decoder.ts'
import { countEscapeBytes, readScanned, specialCells } from './wal2json-bytes.ts'
import { unescapeJson } from './wal2json-cell.ts'
import type { LayoutShape, RowCells } from './wal2json-layout.ts'
import { scanRow } from './wal2json-scan.ts'
import { Wal2jsonTable } from './wal2json-table.ts'

/**
 * Up to here a message becomes one string, of which the cells are slices, so that whoever keeps one keeps the whole;
 * above, cells are read from the bytes one by one.
 */
const SMALL_MESSAGE_BYTES = 65_536

/**
 * Decodes wal2json 2.5, format-version 2, with the options of `wal2jsonOptions`.
 *
 * wal2json prints NaN and the infinities of float4, float8 and numeric as null (domains over them it quotes). In a NOT
 * NULL column such a null becomes `Unreadable`; in a nullable one it is read as NULL, unless `announcesSpecials` is set.
 * That needs `client_min_messages = debug1` in the session and every notice of the server passed to `notice`: wal2json
 * then announces each such value before the message that hides it.
 */
export class Wal2jsonDecoder extends PluginDecoder {
  readonly #catalog: DecoderCatalog
  readonly #smallMessageBytes: number
  readonly #announcesSpecials: boolean
  readonly #budget: CellBudget
  /** By the source text of schema and table in a message. */
  readonly #tables = new Map<string, Wal2jsonTable>()
  /** Announced and not yet matched with a message. */
  #specials: string[] = []

  constructor(
    sink: StreamSink,
    catalog: DecoderCatalog,
    options: DecoderLimits & { readonly announcesSpecials?: boolean },
  ) {
    super(sink)
    this.#catalog = catalog
    this.#smallMessageBytes = Math.min(SMALL_MESSAGE_BYTES, options.maxCellBytes, options.maxMessageBytes)
    this.#announcesSpecials = options.announcesSpecials ?? false
    this.#budget = new CellBudget(options)
  }

  /** Takes the text of a notice of the server, in its place between the messages. */
  notice(text: string): void {
    if (text.startsWith(ANNOUNCEMENT) && this.#announcesSpecials) this.#specials.push(text.slice(ANNOUNCEMENT.length))
  }

  protected override kindOf(message: Buffer): string {
    return String.fromCharCode(message[ACTION_AT] ?? 0)
  }

  protected override readBegin(message: Buffer): Transaction {
    this.#specials = []
    const match = BEGIN.exec(message.toString('latin1'))
    if (!match) throw new MalformedMessage('it lacks xid, timestamp or LSN')
    const [, xid, timestamp, lsn] = match as unknown as [string, string, string, string]
    return { xid: Number(xid), committedAt: parseCommitTime(timestamp), commitLsn: parseLsn(lsn) }
  }

  protected override readEndLsn(message: Buffer): bigint {
    const match = COMMIT.exec(message.toString('latin1'))
    if (!match) throw new MalformedMessage('it lacks the end LSN')
    return parseLsn(match[1]!)
  }

  protected override readChange(action: string, message: Buffer, at: ChangeContext): Change | null {
    switch (action) {
      case 'I':
        return this.#row('insert', message, at)
      case 'U':
        return this.#row('update', message, at)
      case 'D':
        return this.#row('delete', message, at)
      case 'T':
        return this.#truncate(message, at)
      case 'M':
        return this.#message(message, at)
      default:
        throw new MalformedMessage(`wal2json has no action ${JSON.stringify(action)}`)
    }
  }

  protected override describe(action: string, message: Buffer): Pick<UndecodableChange, 'table' | 'op'> {
    const named = tableNamedIn(message)
    return { table: named && `${named.schema}.${named.table}`, op: OPERATIONS[action] ?? null }
  }

  #row(op: RowChange['op'], message: Buffer, { lsn, open }: ChangeContext): Change {
    const { shape, cells } = this.#readKnown(op, message) ?? this.#readUnknown(op, message)
    const old = cells.identity && { cells: cells.identity, isComplete: shape.isOldComplete }
    return open.row(op, shape.relation, { old, new: cells.columns }, lsn)
  }

  /** The short cut for all but the first message of a layout. */
  #readKnown(op: RowChange['op'], message: Buffer): { shape: LayoutShape; cells: RowCells } | null {
    if (message.length > this.#smallMessageBytes || this.#specials.length > 0) return null
    const text = readText(message, 0, message.length)
    if (text instanceof Unreadable) return null
    HEAD.lastIndex = 0
    const table = this.#tables.get(HEAD.exec(text)?.[1] ?? '')
    if (!table) return null
    const at = HEAD.lastIndex
    table.refresh(this.#catalog.table(table.name))
    return table.read(op, text, at)
  }

  #readUnknown(op: RowChange['op'], message: Buffer): { shape: LayoutShape; cells: RowCells } {
    const values = this.#specials
    if (values.length > 0) this.#specials = []
    const row = scanRow(message)
    const table = this.#table(row)
    const shape = table.learn(op, row)
    const specials = specialCells(message, row, { values, isNotNull: (column) => table.isNotNull(column) })
    return { shape, cells: readScanned({ bytes: message, row, shape, budget: this.#budget, specials }) }
  }

  #table({ schema, table }: { readonly schema: string; readonly table: string }): Wal2jsonTable {
    const source = `${JSON.stringify(schema)},"table":${JSON.stringify(table)}`
    let known = this.#tables.get(source)
    if (!known) this.#tables.set(source, (known = new Wal2jsonTable(schema, table, this.#announcesSpecials)))
    known.refresh(this.#catalog.table(known.name))
    return known
  }

  #truncate(message: Buffer, { lsn, open }: ChangeContext): Change {
    const named = tableNamedIn(message)
    if (!named) throw new MalformedMessage('the message names no table')
    return open.truncate(this.#table(named).relation, lsn)
  }

  #message(message: Buffer, { lsn, open }: ChangeContext): Change | null {
    const head = MESSAGE_HEAD.exec(message.toString('latin1', 0, HEAD_BYTES))
    if (head?.[1] !== 'true' || head[2] !== PREFIX) return null
    const start = head[0].length
    const end = message.length - '"}'.length
    const escapeBytes = countEscapeBytes(message.subarray(start, end))
    const refused = this.#budget.refuse(end - start - escapeBytes, true)
    const content = refused ?? readText(message, start, end)
    if (content instanceof Unreadable) throw new MalformedMessage(`the content of the message ${content.reason}`)
    return open.emitted(escapeBytes > 0 ? unescapeJson(content) : content, lsn)
  }
}

const ANNOUNCEMENT = 'special value: '

/** Messages of `pg_logical_emit_message` with this prefix are events. */
const PREFIX = 'hookd'

/** Every message starts with `{"action":"X"`. */
const ACTION_AT = '{"action":"'.length

/** Names have at most 63 bytes, each of which an escape makes six at most. */
const HEAD_BYTES = 1_024

const HEAD_START = '\\{"action":"[A-Z]"(?:,"(?:xid|timestamp|origin|lsn)":(?:"[^"]*"|\\w+))*'
const NAME = '"(?:[^"\\\\]|\\\\.)*"'
const HEAD = new RegExp(`${HEAD_START},"schema":(${NAME},"table":${NAME})`, 'y')
const MESSAGE_HEAD = new RegExp(`^${HEAD_START},"transactional":(true|false),"prefix":"([^"]*)","content":"`)
const BEGIN = /^\{"action":"B","xid":(\d+),"timestamp":"([^"]+)"(?:,"origin":\d+)?,"lsn":"([^"]+)"/
const COMMIT = /^\{"action":"C",.*"nextlsn":"([^"]+)"\}$/

/** The table that a message names at its start, or null where none can be read. */
function tableNamedIn(message: Buffer): { readonly schema: string; readonly table: string } | null {
  HEAD.lastIndex = 0
  const source = HEAD.exec(message.toString('utf8', 0, HEAD_BYTES))?.[1]
  return source === undefined || source.includes('\ufffd')
    ? null
    : (JSON.parse(`{"schema":${source}}`) as { schema: string; table: string })
}

const OPERATIONS: Readonly<Record<string, Operation>> = { I: 'insert', U: 'update', D: 'delete', T: 'truncate' }
