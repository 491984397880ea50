/** Largest first. */
const UNITS_MS = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
])

/** What a duration looks like, for messages about a bad one. */
export const DURATION_EXAMPLES = '500ms, 15s, 5m, 2h or 7d'

/**
 * `'1m'` -> `60000`; units `ms`, `s`, `m`, `h` and `d`, with a decimal part or several parts: `'1.5h'`, `'1h30m'`.
 *
 * Null for anything else, also for a number without a unit. Rounds to whole milliseconds.
 */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null
  let totalMs = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    totalMs += Number(amount) * (UNITS_MS.get(unit ?? '') ?? Number.NaN)
  }
  const rounded = Math.round(totalMs)
  return Number.isSafeInteger(rounded) ? rounded : null
}

/** `90000` -> `'1m30s'`: text that `parseDuration` reads back as the same number. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.round(milliseconds)
  let text = ''
  for (const [unit, size] of UNITS_MS) {
    const amount = Math.floor(rest / size)
    if (amount > 0) text += `${amount}${unit}`
    rest -= amount * size
  }
  return text === '' ? '0s' : text
}
