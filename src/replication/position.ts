import type { Position } from './change.ts'
import { formatLsn, parseLsn } from './lsn.ts'

/** Negative where `a` comes before `b` in the stream. */
export function comparePositions(a: Position, b: Position): number {
  if (a.commitLsn !== b.commitLsn) return a.commitLsn < b.commitLsn ? -1 : 1
  if (a.lsn !== b.lsn) return a.lsn < b.lsn ? -1 : 1
  return a.ordinal - b.ordinal
}

/** `'0/15338A0 0/15337D8 2'`: commit LSN, LSN of the change, ordinal. */
export function formatPosition(position: Position): string {
  return `${formatLsn(position.commitLsn)} ${formatLsn(position.lsn)} ${position.ordinal}`
}

/** Reads what `formatPosition` wrote. Throws TypeError on anything else. */
export function parsePosition(text: string): Position {
  const match = /^(\S+) (\S+) (\d+)$/.exec(text)
  if (!match) throw new TypeError(`malformed position ${JSON.stringify(text)}`)
  return { commitLsn: parseLsn(match[1]!), lsn: parseLsn(match[2]!), ordinal: Number(match[3]) }
}
