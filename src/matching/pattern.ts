import { faulty, sound } from './checked.ts'
import type { Checked } from './checked.ts'

/** A compiled event name or pattern. */
export interface Pattern {
  matches(name: string): boolean
}

/**
 * Compiles an event name or pattern: `*`, `article.created`, `article.*`, `*.created`, `a.*.c`. A `*` stands for one
 * segment between dots; the last one takes the rest, one or more segments.
 */
export function compilePattern(pattern: string): Checked<Pattern> {
  if (pattern.trim() !== pattern) return faulty(`${JSON.stringify(pattern)} has white space around it`)
  const segments = pattern.split('.')
  const problem = segments.map(segmentProblem).find((found) => found !== null)
  if (problem !== undefined) return faulty(`${JSON.stringify(pattern)} ${problem}`)
  if (!pattern.includes('*')) return sound({ matches: (name) => name === pattern })
  const head = pattern.slice(0, -1)
  if (pattern.indexOf('*') === pattern.length - 1)
    return sound({ matches: (name) => name.length > head.length && name.startsWith(head) })
  return sound({ matches: (name) => matchesSegments(segments, name.split('.')) })
}

/** `did you mean "state"?`, or the words that are known. */
export function suggest(word: string, candidates: Iterable<string>): string {
  const known = [...candidates]
  const close = nearest(word, known)
  if (close !== null) return `did you mean "${close}"?`
  if (known.length === 0) return 'there is none'
  return `known: ${known.toSorted().slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}`
}

/** The candidate that the word is most likely a slip of; null where none is close. Case does not count. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const wanted = word.toLowerCase()
  let best: string | null = null
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

function segmentProblem(segment: string): string | null {
  if (segment === '') return 'has an empty part; write names such as article.created'
  if (segment.includes('*') && segment !== '*') return 'has a * within a word; it stands for a whole part between dots'
  return null
}

function matchesSegments(pattern: readonly string[], name: readonly string[]): boolean {
  const open = pattern.at(-1) === '*'
  if (open ? name.length < pattern.length : name.length !== pattern.length) return false
  return pattern.every((segment, at) => segment === '*' || segment === name[at])
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
