import { isUtf8 } from 'node:buffer'
import { type Cell, Unreadable } from './change.ts'
import type { DecoderLimits } from './decoder.ts'

const NOT_UTF8 = new Unreadable('is not valid UTF-8')

/** The text of a byte range, or `Unreadable` where it is not UTF-8: a replacement character would be a silent change. */
export function readText(bytes: Buffer, start: number, end: number): string | Unreadable {
  const text = bytes.toString('utf8', start, end)
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)) ? NOT_UTF8 : text
}

/**
 * Watches over the size of the cells of one row image at a time. What is refused depends on the values alone, so that
 * both plugins refuse the same.
 */
export class CellBudget {
  readonly #limits: DecoderLimits
  readonly #tooLarge: Unreadable
  readonly #rowTooLarge: Unreadable
  #used = 0

  constructor(limits: DecoderLimits) {
    this.#limits = limits
    this.#tooLarge = new Unreadable(`exceeds the limit of ${limits.maxCellBytes} bytes for a value`)
    this.#rowTooLarge = new Unreadable(`was left out, because its row exceeds ${limits.maxMessageBytes} bytes`)
  }

  /** Starts a new row image. */
  reset(): void {
    this.#used = 0
  }

  /** Why a cell of this size is not read, or null where it is. */
  refuse(bytes: number, isKey: boolean): Unreadable | null {
    if (bytes > this.#limits.maxCellBytes) return this.#tooLarge
    this.#used += bytes
    return this.#used > this.#limits.maxMessageBytes && !isKey ? this.#rowTooLarge : null
  }
}

/** Whether two cells are known to be equal. */
export function isSameCell(a: Cell, b: Cell): boolean {
  return a !== undefined && a === b
}

/** The cells of a row of which nothing is known yet. */
export function unknownCells(width: number): Cell[] {
  const cells: Cell[] = []
  for (let i = 0; i < width; i++) cells.push(undefined)
  return cells
}
