import { Unreadable } from './change.ts'
import { readText } from './cells.ts'
import { MalformedMessage } from './malformed.ts'
import { unescapeJson } from './wal2json-cell.ts'

/** One member of `columns` or `identity`; `start` and `end` enclose the value, without its quotes. */
export interface ScannedColumn {
  readonly name: string
  readonly typeOid: number
  readonly start: number
  readonly end: number
  readonly isQuoted: boolean
}

export interface ScannedRow {
  readonly schema: string
  readonly table: string
  readonly columns: readonly ScannedColumn[] | null
  readonly identity: readonly ScannedColumn[] | null
  /** Without values. */
  readonly pk: readonly ScannedColumn[] | null
}

/**
 * Finds the parts of an I, U or D message of wal2json (format-version 2) in its bytes, however many they are, without
 * building strings of the values. Unknown members are skipped. Throws where the message is not of that form.
 */
export function scanRow(message: Buffer): ScannedRow {
  const scanner = new Scanner(message)
  let schema: string | null = null
  let table: string | null = null
  const lists: Record<string, ScannedColumn[]> = {}
  scanner.members((member) => {
    if (member === 'schema') schema = scanner.text()
    else if (member === 'table') table = scanner.text()
    else if (member === 'columns' || member === 'identity' || member === 'pk') lists[member] = scanColumns(scanner)
    else scanner.value()
  })
  if (schema === null || table === null) throw new MalformedMessage('the message names no table')
  const { columns = null, identity = null, pk = null } = lists
  return { schema, table, columns, identity, pk }
}

function scanColumns(scanner: Scanner): ScannedColumn[] {
  const columns: ScannedColumn[] = []
  scanner.items(() => {
    let name = ''
    let typeOid = 0
    let value = NO_VALUE
    scanner.members((member) => {
      if (member === 'name') name = scanner.text()
      // wal2json prints OIDs as signed integers.
      else if (member === 'typeoid') typeOid = Number(scanner.text()) >>> 0
      else if (member === 'value') value = scanner.value()
      else scanner.value()
    })
    columns.push({ name, typeOid, ...value })
  })
  return columns
}

interface ScannedValue {
  readonly start: number
  readonly end: number
  readonly isQuoted: boolean
}

const NO_VALUE: ScannedValue = { start: 0, end: 0, isQuoted: false }

const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN_BRACKET = 91
const BACKSLASH = 92
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** Walks over compact JSON. */
class Scanner {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Calls `visit` before the value of each member of an object; it must consume the value. */
  members(visit: (name: string) => void): void {
    this.#list(OPEN_BRACE, CLOSE_BRACE, () => {
      const name = this.text()
      this.#expect(COLON)
      visit(name)
    })
  }

  /** Calls `visit` before each item of an array; it must consume the item. */
  items(visit: () => void): void {
    this.#list(OPEN_BRACKET, CLOSE_BRACKET, visit)
  }

  /** Consumes a string or a bare word and gives where it lies. */
  value(): ScannedValue {
    const start = this.#at
    if (this.#bytes[start] === QUOTE) {
      const end = this.#endOfString(start + 1)
      this.#at = end + 1
      return { start: start + 1, end, isQuoted: true }
    }
    let end = start
    while (isWordByte(this.#bytes[end])) end++
    if (end === start) throw this.#unexpected()
    this.#at = end
    return { start, end, isQuoted: false }
  }

  /** Consumes a string or a bare word and gives its text. */
  text(): string {
    const { start, end, isQuoted } = this.value()
    const text = readText(this.#bytes, start, end)
    if (text instanceof Unreadable) throw new MalformedMessage(`a name in the message ${text.reason}`)
    return isQuoted && text.includes('\\') ? unescapeJson(text) : text
  }

  #list(opener: number, closer: number, item: () => void): void {
    this.#expect(opener)
    if (this.#bytes[this.#at] === closer) {
      this.#at++
      return
    }
    for (;;) {
      item()
      if (this.#bytes[this.#at] === closer) break
      this.#expect(COMMA)
    }
    this.#at++
  }

  #endOfString(from: number): number {
    for (let quote = this.#bytes.indexOf(QUOTE, from); quote !== -1; quote = this.#bytes.indexOf(QUOTE, quote + 1)) {
      let before = quote - 1
      while (this.#bytes[before] === BACKSLASH) before--
      if ((quote - before) % 2 === 1) return quote
    }
    throw this.#unexpected()
  }

  #expect(byte: number): void {
    if (this.#bytes[this.#at] !== byte) throw this.#unexpected()
    this.#at++
  }

  #unexpected(): MalformedMessage {
    return new MalformedMessage(`the message is not of the form of wal2json at byte ${this.#at}`)
  }
}

/** Of numbers, true, false and null. */
function isWordByte(byte: number | undefined): boolean {
  if (byte === undefined) return false
  return (
    (byte >= 97 && byte <= 122) ||
    (byte >= 48 && byte <= 57) ||
    byte === 43 ||
    byte === 45 ||
    byte === 46 ||
    byte === 69
  )
}
