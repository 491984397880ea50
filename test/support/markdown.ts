/** A fenced block: ```yaml, ```console and so on. */
export interface CodeBlock {
  readonly language: string
  readonly text: string
  /** 1-based line of its first line. */
  readonly line: number
}

/** A table's cells as text, without the padding and the backslashes before `|`. */
export interface Table {
  readonly heading: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The fenced blocks of a page, in order. */
export function codeBlocks(page: string): CodeBlock[] {
  return [...page.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: text = '', index }) => ({
    language,
    text,
    line: page.slice(0, index).split('\n').length + 1,
  }))
}

/** The tables of a page, in order. */
export function tables(page: string): Table[] {
  const found = withoutCode(page).matchAll(/^\|.*\n\|[\s|:-]+\n(?:\|.*\n)*/gm)
  return [...found].map(([text]) => {
    const [heading = [], , ...rows] = text.trimEnd().split('\n').map(cells)
    return { heading, rows }
  })
}

/** The one table whose heading begins with these cells. Throws where there is not exactly one. */
export function tableOf(page: string, ...heading: readonly string[]): Table {
  const found = tables(page).filter((table) => heading.every((cell, at) => table.heading[at] === cell))
  if (found.length === 1) return found[0]!
  throw new Error(`${found.length} tables begin with ${heading.join(' | ')}`)
}

/** Every word in backticks in a cell: '`a`, `b`' -> ['a', 'b']. */
export function codes(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

/** Targets of the links of a page that do not leave the repository: `docs/delivery.md#batches`. */
export function localLinks(page: string): string[] {
  const found = withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)
  return [...found].map(([, target = '']) => target).filter((target) => !/^https?:/.test(target))
}

/** What the headings of a page are linked by: `## What it needs` -> `what-it-needs`. */
export function anchors(page: string): string[] {
  return [...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function withoutCode(page: string): string {
  return page.replace(/^```[\s\S]*?^```$/gm, '')
}

function cells(row: string): string[] {
  return row
    .slice(1, row.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))
}
