import { describe, expect, test } from 'vitest'
import { compileCondition } from '../../../src/matching/condition.ts'
import type { Cell } from '../../../src/replication/change.ts'
import { aTable } from '../../support/rows.ts'

const table = aTable({ foo: 'jsonb', bar: 'integer', baz: 'integer', name: 'text', account: 'jsonb' })

function holds(condition: unknown, row: Record<string, Cell>): boolean {
  const { predicate, problems } = compileCondition(condition, table.scope())
  expect(problems).toEqual([])
  return predicate?.(table.insert(row)) ?? true
}

type Example = [condition: unknown, row: Record<string, Cell>, expected: boolean]

const USER = { 'account.user.username': 'George' }
const OTHER_USER = { 'account.user.username': 'Elaine' }
const account = (username: string) => ({ account: `{"user": {"username": "${username}"}}` })

const EXAMPLES: Record<string, Example[]> = {
  'the entries of a mapping must all hold': [
    [{ bar: 1, baz: 2 }, { bar: '1', baz: '2' }, true],
    [{ bar: 1, baz: 3 }, { bar: '1', baz: '2' }, false],
    [{ not: { bar: 1, baz: 3 } }, { bar: '1', baz: '2' }, true],
  ],
  'all nests, also over paths into JSON': [
    [
      { all: [{ all: [{ 'foo.x': { truthy: true } }, { 'foo.bar': 1 }] }, { 'foo.baz': 2 }] },
      { foo: '{"x": 1, "bar": 1, "baz": 2}' },
      true,
    ],
    [
      { all: [{ all: [{ 'foo.x': { truthy: true } }, { 'foo.bar': 1 }] }, { 'foo.baz': 2 }] },
      { foo: '{"x": 0, "bar": 1, "baz": 2}' },
      false,
    ],
  ],
  'any holds when one of its conditions does': [
    [{ any: [{ baz: 3 }, { bar: 1 }] }, { bar: '1', baz: '2' }, true],
    [{ any: [{ baz: 3 }, { bar: 2 }] }, { bar: '1', baz: '2' }, false],
    [{ any: [USER, OTHER_USER] }, account('George'), true],
    [{ any: [USER, OTHER_USER] }, account('Jerry'), false],
    [{ any: [USER, OTHER_USER] }, account('Elaine'), true],
    [{ any: [{ bar: 5 }, {}] }, { bar: '1' }, true],
  ],
  'any, all and not stand beside columns': [
    [{ name: 'x', any: [{ bar: 1 }, { bar: 2 }], not: { baz: 3 } }, { name: 'x', bar: '2', baz: '4' }, true],
    [{ name: 'x', any: [{ bar: 1 }, { bar: 2 }], not: { baz: 3 } }, { name: 'x', bar: '2', baz: '3' }, false],
    [{ name: 'x', any: [{ bar: 1 }, { bar: 2 }], not: { baz: 3 } }, { name: 'y', bar: '2', baz: '4' }, false],
  ],
  'not turns a condition around, NULL included': [
    [{ not: { bar: 1 } }, { bar: null }, true],
    [{ not: { bar: 1 } }, { bar: '1' }, false],
    [{ not: { bar: { gt: 1 } } }, { bar: null }, true],
    [{ not: {} }, { bar: '1' }, false],
  ],
  'an empty condition holds for every row': [
    [{}, {}, true],
    [null, {}, true],
    [{ all: [{}, {}] }, {}, true],
  ],
  'a path that leads nowhere is NULL': [
    [{ 'foo.a.b': null }, { foo: '{"a": 1}' }, true],
    [{ 'foo.a.b': null }, { foo: null }, true],
    [{ 'foo.a.b': null }, { foo: '[1]' }, true],
    [{ 'foo.a': { ne: 'x' } }, { foo: '{}' }, true],
    [{ 'foo.a': { gt: 1 } }, { foo: '{}' }, false],
    [{ 'foo.1': 'b' }, { foo: '["a", "b"]' }, true],
    [{ 'foo.2': null }, { foo: '["a", "b"]' }, true],
  ],
  'a row without a key that is asked for does not match': [
    [{ name: 'bar', 'foo.baz.x': 'x' }, { name: 'bar', foo: '{"baz": {"x": "x"}}' }, true],
    [{ name: 'bar', 'foo.baz.x': 'x' }, { name: 'bar', foo: '{}' }, false],
  ],
}

describe.each(Object.entries(EXAMPLES))('%s', (_behaviour, examples) => {
  test.each(examples)('%o on %o: %s', (condition, row, expected) => {
    expect(holds(condition, row)).toBe(expected)
  })
})

describe('a long AND over columns of many types', () => {
  const people = aTable({
    author: 'jsonb',
    full_name: 'text',
    rank: 'double precision',
    violations: 'integer',
    tags: 'text[]',
  })
  const condition = {
    'author.is_staff': { eq: true },
    full_name: { contains: ' ', startswith: 'George', endswith: 'Costanza' },
    rank: { gt: 2.3 },
    violations: { is: null },
    tags: { contains: 'abc' },
  }
  const george = {
    author: '{"is_staff": true}',
    full_name: 'George Costanza',
    rank: '3.03',
    violations: null,
    tags: '{abc,def,ghi}',
  }

  test.each<[string, unknown, boolean]>([
    ['every part fits', condition, true],
    ['the last part does not', { ...condition, tags: { contains: 'zzz' } }, false],
    ['the first part does not', { ...condition, 'author.is_staff': { eq: false } }, false],
  ])('%s', (_what, value, expected) => {
    const { predicate, problems } = compileCondition(value, people.scope())
    expect(problems).toEqual([])
    expect(predicate?.(people.insert(george))).toBe(expected)
  })
})

describe('names in double quotes are columns, whatever else they could mean', () => {
  const odd = aTable({ id: 'integer', any: 'integer', not: 'jsonb', 'net.total': 'numeric', 'a"b': 'text' })

  test.each<[unknown, Record<string, Cell>]>([
    [{ '"any"': 1 }, { any: '1' }],
    [{ '"not".key': 1 }, { not: '{"key": 1}' }],
    [{ '"net.total"': { gt: 5 } }, { 'net.total': '6' }],
    [{ '"a""b"': 'x' }, { 'a"b': 'x' }],
    [{ 'not."x.y"': 1 }, { not: '{"x.y": 1}' }],
    [{ 'not.any': 1 }, { not: '{"any": 1}' }],
  ])('%o on %o', (condition, row) => {
    const { predicate, problems } = compileCondition(condition, odd.scope())
    expect(problems).toEqual([])
    expect(predicate?.(odd.insert(row))).toBe(true)
    expect(predicate?.(odd.insert({}))).toBe(false)
  })
})

test('the columns that a condition looks at are known', () => {
  const condition = { any: [{ 'foo.x': 1 }, { not: { bar: { any: true } } }], changed: ['baz'], name: { gt: 'a' } }
  const { columns } = compileCondition(condition, table.scope())
  expect([...columns].toSorted()).toEqual(['baz', 'foo', 'name'])
})

describe('laws that hold for any condition and any row', () => {
  const conditions = [
    { bar: 1 },
    { bar: { gt: 1 } },
    { bar: { ne: null } },
    { name: { startswith: ['a', 'b'] } },
    { 'foo.x': { in: [1, null] } },
    { any: [{ bar: 1 }, { baz: 2 }] },
    { not: { name: 'a' } },
  ]
  const rows: Record<string, Cell>[] = [
    {},
    { bar: '1', baz: '2', name: 'a', foo: '{"x": 1}' },
    { bar: '2', baz: '2', name: 'c', foo: '{"x": 2}' },
    { bar: '0', baz: null, name: '', foo: '[]' },
  ]
  const cases = conditions.flatMap((condition) => rows.map((row): [unknown, Record<string, Cell>] => [condition, row]))

  test.each(cases)('%o on %o', (condition, row) => {
    const answer = holds(condition, row)
    expect(holds({ not: { not: condition } }, row)).toBe(answer)
    expect(holds({ not: condition }, row)).toBe(!answer)
    expect(holds({ all: [condition, condition] }, row)).toBe(answer)
    expect(holds({ any: [condition, condition] }, row)).toBe(answer)
    expect(holds({ any: [condition, { not: condition }] }, row)).toBe(true)
    expect(holds({ all: [condition, { not: condition }] }, row)).toBe(false)
    for (const other of conditions) {
      const either = holds({ any: [condition, other] }, row)
      expect(holds({ not: { all: [{ not: condition }, { not: other }] } }, row)).toBe(either)
    }
  })

  test.each<[string, string, unknown]>([
    ['ne', 'eq', 1],
    ['not_in', 'in', [1, null]],
    ['is_not', 'is', 1],
    ['falsy', 'truthy', true],
  ])('%s is the negation of %s', (negative, positive, operand) => {
    for (const row of rows) {
      expect(holds({ bar: { [negative]: operand } }, row)).toBe(!holds({ bar: { [positive]: operand } }, row))
    }
  })
})
