/** A value as printed on one line, and its parts where it has any. */
interface Piece {
  readonly flat: string
  readonly open: '{' | '[' | ''
  readonly parts: readonly { readonly label: string; readonly piece: Piece }[]
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+)/y

/**
 * JSON broken into lines of at most `width` characters where that is possible, as many members to a line as fit. Numbers,
 * keys and escapes stay as they are, to the digit. What is no JSON comes back as it was.
 */
export function layoutJson(text: string, width: number): string {
  const tokens = tokensOf(text)
  if (tokens === null) return text
  const [piece, end] = read(tokens, 0)
  return end === tokens.length ? lay(piece, '', width) : text
}

function tokensOf(text: string): string[] | null {
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) tokens.push(match[1] ?? '')
  return tokens
}

function read(tokens: readonly string[], start: number): [Piece, number] {
  const open = tokens[start] ?? ''
  if (open !== '{' && open !== '[') return [{ flat: open, open: '', parts: [] }, start + 1]
  const parts: { label: string; piece: Piece }[] = []
  let at = start + 1
  while (tokens[at] !== '}' && tokens[at] !== ']') {
    if (tokens[at] === ',') at += 1
    const label = open === '{' ? `${tokens[at]}: ` : ''
    const [piece, next] = read(tokens, open === '{' ? at + 2 : at)
    parts.push({ label, piece })
    at = next
  }
  const inner = parts.map(({ label, piece }) => label + piece.flat).join(', ')
  const flat = open === '[' ? `[${inner}]` : parts.length === 0 ? '{}' : `{ ${inner} }`
  return [{ flat, open, parts }, at + 1]
}

function lay({ flat, open, parts }: Piece, indent: string, width: number, used = indent.length): string {
  if (open === '' || parts.length === 0 || used + flat.length <= width) return flat
  const inner = `${indent}  `
  const lines: string[] = []
  for (const { label, piece } of parts) {
    const line = lines.at(-1)
    const joined = `${line}, ${label}${piece.flat}`
    if (line !== undefined && !line.includes('\n') && joined.length < width) lines[lines.length - 1] = joined
    else lines.push(inner + label + lay(piece, inner, width, inner.length + label.length + 1))
  }
  return `${open}\n${lines.join(',\n')}\n${indent}${open === '{' ? '}' : ']'}`
}
