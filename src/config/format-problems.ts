import type { ConfigProblem } from './problems.ts'

/** Wider excerpts are cut around the place in question. */
const MAX_EXCERPT = 110

/** A value that must not be shown: after a key that speaks of secrets, and the credentials and query of a URL. */
const SECRET_VALUE =
  /((?:secret|token|password|passwd|authorization|cookie|api[-_]?key|credential)[\w-]*["']?\s*:\s*)([^\s#].*)/i
const URL_SECRET = /(:\/\/)[^/\s"'@]+@|(\?)[^\s"',}\]]+/g

/**
 * The problems as a compiler prints them, one block each, and a closing line that counts them:
 *
 *     hookd.yaml:12:7  unknown key "whne" in event "article.published"; did you mean "when"?
 *       12 |     whne: { state: PUBLISHED }
 *          |     ^
 */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  if (problems.length === 0) return ''
  const files = [...new Set(problems.map(({ file }) => file))].join(', ')
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return [...problems.map(formatProblem), `${count} in ${files}`].join('\n\n')
}

function formatProblem({ file, line, column, message, excerpt }: ConfigProblem): string {
  const head = `${file}:${line}:${column}  ${message}`
  const shown = excerpt === null ? null : mask(excerpt)
  if (shown === null || shown.trim() === '') return head
  const from = shown.length > MAX_EXCERPT ? Math.max(0, column - MAX_EXCERPT / 2) : 0
  const visible = shown.slice(from, from + MAX_EXCERPT)
  const indent = visible.slice(0, Math.max(0, column - 1 - from)).replace(/[^\t]/g, ' ')
  const number = String(line)
  return [head, `  ${number} | ${visible}`, `  ${' '.repeat(number.length)} | ${indent}^`].join('\n')
}

function mask(excerpt: string): string {
  return excerpt
    .replace(SECRET_VALUE, '$1…')
    .replace(URL_SECRET, (_, scheme?: string) => (scheme ? `${scheme}…@` : '?…'))
}
