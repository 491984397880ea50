import { expect, test } from 'vitest'
import { compileCondition } from '../../../src/matching/condition.ts'
import { UnknownValueError } from '../../../src/matching/event.ts'
import { aTable } from '../../support/rows.ts'

const table = aTable({ f: 'text' })

function matches(pattern: string, text: string): boolean {
  const { predicate, problems } = compileCondition({ f: { regex: pattern } }, table.scope())
  expect(problems).toEqual([])
  return predicate!(table.insert({ f: text }))
}

function problemsOf(...patterns: string[]): string[] {
  const all = patterns.map((pattern) => ({ f: { regex: pattern } }))
  return compileCondition({ all }, table.scope()).problems.map(({ message }) => message)
}

test.each(['(a+)+$', '(a|aa)+$', '(a|a)+$', '(.*)(.*)(.*)(.*)x$', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
  '%s, which takes backtracking engines for ever, is decided on 50,000 characters',
  (pattern) => {
    expect(matches(pattern, `${'a'.repeat(50_000)}!`)).toBe(false)
  },
)

test('a pattern that needs many states at once is decided, too', () => {
  const text = Array.from({ length: 50_000 }, (_, index) => 'ab'[Math.floor(index / 7 + index / 3) % 2]).join('')
  expect(matches('a.{200}[cd]', text)).toBe(false)
})

test.each([
  ['(?=a)', 'look-ahead'],
  [String.raw`(a)\1`, 'backreference'],
  ['[z', 'an open class'],
  ['a**', 'repetition of a repetition'],
  ['x{1001}', 'too many repetitions'],
  ['('.repeat(1000), 'too many groups'],
])('%s is refused: %s', (pattern) => {
  expect(problemsOf(pattern)).toEqual([expect.stringContaining('"regex" has a bad pattern: ')])
})

test('1,000 characters are the limit', () => {
  expect(problemsOf('x'.repeat(900))).toEqual([])
  expect(problemsOf('x'.repeat(1001))).toEqual(['"regex" takes a pattern of at most 1000 characters, not 1001'])
})

test('what all patterns of a condition cost together is limited', () => {
  expect(problemsOf('[ab]{400}')).toEqual([])
  expect(problemsOf('(abc){1000}')).toEqual([expect.stringContaining('makes the condition too expensive')])
  expect(problemsOf('[ab]{400}', '[cd]{400}', '[ef]{400}')).toHaveLength(1)
})

test('a text that would take too long is an error, not a stall', () => {
  const { predicate } = compileCondition({ f: { regex: '[ab]{400}' } }, table.scope())
  expect(() => predicate?.(table.insert({ f: 'a'.repeat(1_000_000) }))).toThrow(UnknownValueError)
  expect(matches('c$', 'a'.repeat(1_000_000))).toBe(false)
})
