const UNITS_BYTES = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1000],
  ['mb', 1000 ** 2],
  ['gb', 1000 ** 3],
  ['kib', 1024],
  ['mib', 1024 ** 2],
  ['gib', 1024 ** 3],
])

/** What a size looks like, for messages about a bad one. */
export const SIZE_EXAMPLES = '262144, 256KiB or 1MiB'

/**
 * `'1MiB'` -> `1048576` bytes; units `B`, `kB`, `MB`, `GB` (powers of 1000) and `KiB`, `MiB`, `GiB` (of 1024) in any
 * case, none means bytes. Null for anything else.
 */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text)
  const factor = UNITS_BYTES.get(match?.[2]?.toLowerCase() ?? 'none')
  if (match === null || factor === undefined) return null
  const bytes = Math.round(Number(match[1]) * factor)
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** `1048576` -> `'1MiB'`: the largest unit that divides it, else plain bytes. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const size = UNITS_BYTES.get(unit.toLowerCase()) ?? 1
    if (bytes > 0 && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return `${bytes}B`
}
