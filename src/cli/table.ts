/** What a cell can show; null is shown as `-`. */
export type Cell = string | number | boolean | null

/**
 * Rows as aligned text under their keys as headings; numbers to the right. One line without rows: `none`.
 *
 *     event             state   attempts
 *     article.created   dead           3
 */
export function formatTable(rows: readonly Readonly<Record<string, Cell>>[]): string {
  const [first] = rows
  if (!first) return 'none\n'
  const headings = Object.keys(first)
  const lines = [headings, ...rows.map((row) => headings.map((heading) => cellText(row[heading] ?? null)))]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => textWidth(line[column] ?? ''))))
  const rightward = headings.map((heading) => rows.some((row) => typeof row[heading] === 'number'))
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('')

  function pad(text: string, column: number): string {
    const blanks = ' '.repeat((widths[column] ?? 0) - textWidth(text))
    return rightward[column] ? blanks + text : text + blanks
  }
}

/** Names and values below each other: `state      dead`. Values of null are left out. */
export function formatFacts(facts: Readonly<Record<string, Cell>>): string {
  const shown = Object.entries(facts).filter(([, value]) => value !== null)
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${cellText(value)}\n`).join('')
}

/** At most so many characters, the last of them `…` where something was cut off. */
export function shorten(text: string, most: number): string {
  const characters = Array.from(text)
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`
}

/** What a terminal would obey rather than show is replaced. */
function cellText(cell: Cell): string {
  // oxlint-disable-next-line no-control-regex
  return cell === null ? '-' : String(cell).replace(/[\u0000-\u001f\u007f-\u009f]/g, '�')
}

function textWidth(text: string): number {
  return Array.from(text).length
}
