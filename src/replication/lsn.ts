/** `'16/B374D848'` -> `97500059720n`. Throws TypeError on anything else. */
export function parseLsn(text: string): bigint {
  const match = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(text)
  if (!match) throw new TypeError(`malformed LSN ${JSON.stringify(text)}`)
  return (BigInt(Number.parseInt(match[1]!, 16)) << 32n) | BigInt(Number.parseInt(match[2]!, 16))
}

/** `97500059720n` -> `'16/B374D848'`, as Postgres prints `pg_lsn`. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`
}

/** `00` to `FF` */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
const UNPADDED = 0x1_0000

/** Prints LSNs from their two halves, as `formatLsn` does, and fast: all but the last four digits hardly ever changes. */
export class LsnPrinter {
  #high = -1
  #upperLow = -1
  #prefix = ''

  print(high: number, low: number): string {
    if (low < UNPADDED) return `${high.toString(16).toUpperCase()}/${low.toString(16).toUpperCase()}`
    const upperLow = low >>> 16
    if (high !== this.#high || upperLow !== this.#upperLow) {
      this.#high = high
      this.#upperLow = upperLow
      this.#prefix = `${high.toString(16).toUpperCase()}/${upperLow.toString(16).toUpperCase()}`
    }
    return this.#prefix + HEX[(low >>> 8) & 0xff]! + HEX[low & 0xff]!
  }
}

/** `{ from: 0x3000000n, to: 0x3000100n }` -> `0/3000000-0/3000100` */
export function formatRange({ from, to }: { readonly from: bigint; readonly to: bigint }): string {
  return `${formatLsn(from)}-${formatLsn(to)}`
}
