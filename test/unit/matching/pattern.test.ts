import { describe, expect, test } from 'vitest'
import { compilePattern, nearest, suggest } from '../../../src/matching/pattern.ts'

function matches(pattern: string, name: string): boolean {
  const { value, problem } = compilePattern(pattern)
  expect(problem).toBeNull()
  return value!.matches(name)
}

describe('who receives what', () => {
  const patterns = {
    A: 'foo.*',
    B: 'foo.created',
    C: 'foo.created',
    D: 'foo.deleted',
    E: '*.created',
    F: 'bar.updated',
    G: 'baz.*',
    H: '*',
  }

  test.each([
    ['foo.created', 'A B C E H'],
    ['foo.updated', 'A H'],
    ['foo.deleted', 'A D H'],
    ['bar.updated', 'F H'],
    ['bar.deleted', 'H'],
    ['baz.moo', 'G H'],
  ])('%s reaches %s', (name, expected) => {
    const reached = Object.entries(patterns).filter(([, pattern]) => matches(pattern, name))
    expect(reached.map(([subscriber]) => subscriber).join(' ')).toBe(expected)
  })
})

test.each([
  ['*', 'a', true],
  ['*', 'a.b.c', true],
  ['*', '', false],
  ['a.*', 'a.b', true],
  ['a.*', 'a.b.c', true],
  ['a.*', 'a', false],
  ['a.*', 'a.', false],
  ['a.*', 'ab.c', false],
  ['a.b.*', 'a.b.c', true],
  ['a.b.*', 'a.b.c.d', true],
  ['a.b.*', 'a.c.b', false],
  ['*.c', 'a.c', true],
  ['*.c', 'a.b.c', false],
  ['*.c', 'c', false],
  ['a.*.c', 'a.b.c', true],
  ['a.*.c', 'a.b.b.c', false],
  ['a.*.c', 'a.c', false],
  ['*.*', 'a.b', true],
  ['*.*', 'a.b.c', true],
  ['*.*', 'a', false],
  ['*.b.*', 'a.b.c.d', true],
  ['*.b.*', 'a.c.b.d', false],
  ['created.festivus', 'created.festivus', true],
  ['created.*', 'created.festivus', true],
  ['created.festivus', 'created.other', false],
  ['a.b', 'axb', false],
  ['a', 'A', false],
])('%s and %s: %s', (pattern, name, expected) => {
  expect(matches(pattern, name)).toBe(expected)
})

test.each([
  ['', 'has an empty part'],
  ['a..b', 'has an empty part'],
  ['a.', 'has an empty part'],
  ['.a', 'has an empty part'],
  ['foo*', 'has a * within a word'],
  ['**', 'has a * within a word'],
  ['a.*b.c', 'has a * within a word'],
  [' a', 'has white space around it'],
])('%j is refused, because it %s', (pattern, reason) => {
  expect(compilePattern(pattern)).toEqual({ value: null, problem: expect.stringContaining(reason) })
})

describe('the nearest name', () => {
  const names = ['article.created', 'article.removed', 'order.large']

  test.each([
    ['article.craeted', 'article.created'],
    ['articel.removed', 'article.removed'],
    ['Article.Created', 'article.created'],
    ['order.larg', 'order.large'],
    ['something.else', null],
    ['', null],
  ])('of %j is %j', (word, expected) => {
    expect(nearest(word, names)).toBe(expected)
  })

  test('is suggested, else some of what there is', () => {
    expect(suggest('order.lage', names)).toBe('did you mean "order.large"?')
    expect(suggest('user', names)).toBe('known: article.created, article.removed, order.large')
    expect(suggest('user', [])).toBe('there is none')
    const many = Array.from({ length: 30 }, (_, index) => `event.${index}`)
    expect(suggest('x', many)).toMatch(/, …$/)
  })
})
