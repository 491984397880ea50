/** Headers that hookd, HTTP or a proxy on the way sets; a name ending in `*` stands for all that begin so. */
const RESERVED_HEADERS = [
  'accept-encoding',
  'ce-*',
  'connection',
  'content-*',
  'cookie',
  'expect',
  'forwarded',
  'hook-*',
  'host',
  'keep-alive',
  'proxy-*',
  'signature*',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'webhook-*',
  'x-forwarded-*',
] as const

const MOST_HEADERS = 50
const LONGEST_HEADER_NAME = 200
const LONGEST_HEADER_VALUE = 4096

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t -~]*$/

/**
 * Says why a custom header cannot be sent, `header "Host" is reserved…`; null for a good one. Never repeats the value.
 *
 * https://www.rfc-editor.org/rfc/rfc9110#section-5
 */
export function headerProblem(name: string, value: unknown): string | null {
  const problem = nameProblem(name) ?? valueProblem(value)
  return problem === null ? null : `header ${JSON.stringify(name.slice(0, 100))} ${problem}`
}

function nameProblem(name: string): string | null {
  if (!NAME.test(name)) return "has a name that is empty or holds more than letters, digits and !#$%&'*+-.^_`|~"
  if (name.length > LONGEST_HEADER_NAME) return `has a name of more than ${LONGEST_HEADER_NAME} characters`
  return isReserved(name) ? 'is reserved: hookd or HTTP sets it; choose another name' : null
}

/** What is wrong with a value, as the end of a sentence that begins with the header's name. */
export function valueProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must have a string as its value'
  if (!VALUE.test(value)) return 'has a value with a character outside printable ASCII'
  if (value !== value.trim()) return 'has a value that begins or ends with a space'
  return value.length > LONGEST_HEADER_VALUE ? `has a value of more than ${LONGEST_HEADER_VALUE} characters` : null
}

/** Says why a set of custom headers cannot be sent, as a sentence; null for a good one. */
export function headersProblem(headers: Readonly<Record<string, unknown>>): string | null {
  const entries = Object.entries(headers)
  if (entries.length > MOST_HEADERS) return `there are ${entries.length} headers; ${MOST_HEADERS} are allowed`
  const seen = new Set<string>()
  for (const [name, value] of entries) {
    const problem = headerProblem(name, value)
    if (problem !== null) return problem
    const key = name.toLowerCase()
    if (seen.has(key)) return `header "${name}" is there twice in different case; keep one`
    seen.add(key)
  }
  return null
}

function isReserved(name: string): boolean {
  const key = name.toLowerCase()
  return RESERVED_HEADERS.some((pattern) =>
    pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern,
  )
}
