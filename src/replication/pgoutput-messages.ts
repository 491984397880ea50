import { type RelationColumn, type Transaction, Unreadable } from './change.ts'
import { readText } from './cells.ts'
import type { CommitClock } from './commit-time.ts'
import { MalformedMessage } from './malformed.ts'

/**
 * Reads the fields of a pgoutput message one after the other. Throws RangeError past the end.
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
class MessageReader {
  readonly #message: Buffer
  #at: number

  constructor(message: Buffer, at: number) {
    this.#message = message
    this.#at = at
  }

  uint8(): number {
    return this.#message.readUInt8(this.#advance(1))
  }

  uint16(): number {
    return this.#message.readUInt16BE(this.#advance(2))
  }

  uint32(): number {
    return this.#message.readUInt32BE(this.#advance(4))
  }

  uint64(): bigint {
    return this.#message.readBigUInt64BE(this.#advance(8))
  }

  int64(): bigint {
    return this.#message.readBigInt64BE(this.#advance(8))
  }

  /** A text that ends with a zero byte. */
  text(): string {
    const end = this.#message.indexOf(0, this.#at)
    if (end === -1) throw new RangeError('the message ends within a text')
    return this.#read(end, end + 1)
  }

  textOf(bytes: number): string {
    const end = this.#at + bytes
    if (end > this.#message.length) throw new RangeError('the message ends within a text')
    return this.#read(end, end)
  }

  #read(end: number, next: number): string {
    const text = readText(this.#message, this.#at, end)
    if (text instanceof Unreadable) throw new MalformedMessage(`a name or content in the message ${text.reason}`)
    this.#at = next
    return text
  }

  #advance(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    return at
  }
}

export function readBegin(message: Buffer, clock: CommitClock): Transaction {
  const reader = new MessageReader(message, 1)
  return { commitLsn: reader.uint64(), committedAt: clock.format(reader.int64()), xid: reader.uint32() }
}

/** The end LSN of a commit; what else the message says, its BEGIN has said. */
export function readEndLsn(message: Buffer): bigint {
  const reader = new MessageReader(message, 1)
  reader.uint8()
  reader.uint64()
  return reader.uint64()
}

export interface RelationMessage {
  readonly oid: number
  readonly schema: string
  readonly table: string
  /** Under REPLICA IDENTITY FULL every column is flagged as part of the key. */
  readonly isFull: boolean
  readonly columns: readonly RelationColumn[]
  readonly key: readonly string[]
}

const FULL = 'f'.charCodeAt(0)

export function readRelation(message: Buffer): RelationMessage {
  const reader = new MessageReader(message, 1)
  const oid = reader.uint32()
  const schema = reader.text() || 'pg_catalog'
  const table = reader.text()
  const isFull = reader.uint8() === FULL
  const columns: RelationColumn[] = []
  const key: string[] = []
  for (let count = reader.uint16(); count > 0; count--) {
    const isKey = (reader.uint8() & 1) === 1
    const name = reader.text()
    columns.push({ name, typeOid: reader.uint32() })
    reader.uint32()
    if (isKey) key.push(name)
  }
  return { oid, schema, table, isFull, columns, key }
}

/** The OIDs of the tables that one TRUNCATE names. */
export function readTruncate(message: Buffer): number[] {
  const reader = new MessageReader(message, 1)
  const count = reader.uint32()
  reader.uint8()
  return Array.from({ length: count }, () => reader.uint32())
}

export interface LogicalMessage {
  readonly isTransactional: boolean
  readonly prefix: string
  readonly contentBytes: number
  content(): string
}

/** The head of a message of `pg_logical_emit_message`; the content is read when asked for. */
export function readLogicalMessage(message: Buffer): LogicalMessage {
  const reader = new MessageReader(message, 1)
  const isTransactional = (reader.uint8() & 1) === 1
  reader.uint64()
  const prefix = reader.text()
  const contentBytes = reader.uint32()
  return { isTransactional, prefix, contentBytes, content: () => reader.textOf(contentBytes) }
}
