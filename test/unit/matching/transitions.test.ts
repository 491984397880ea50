import { describe, expect, test } from 'vitest'
import { compileChanged } from '../../../src/matching/changed.ts'
import { compileCondition } from '../../../src/matching/condition.ts'
import type { Predicate } from '../../../src/matching/event.ts'
import type { Cell } from '../../../src/replication/change.ts'
import { aTable } from '../../support/rows.ts'
import type { TypeName } from '../../support/rows.ts'

function compiled(type: TypeName, condition: unknown) {
  const table = aTable({ id: 'integer', f: type })
  const { predicate, problems } = compileCondition({ f: condition }, table.scope())
  expect(problems).toEqual([])
  return { table, predicate: predicate! }
}

type Update = [type: TypeName, condition: unknown, old: Cell, now: Cell, expected: boolean]

const UPDATES: Record<string, Update[]> = {
  'now_eq is true of the update that brings the value, and of no other': [
    ['integer', { now_eq: 1 }, '0', '1', true],
    ['integer', { now_eq: 1 }, '1', '1', false],
    ['integer', { now_eq: 1 }, null, '1', true],
    ['integer', { now_eq: 1 }, '1', '2', false],
    ['text', { now_eq: 'PUBLISHED' }, 'PENDING', 'PUBLISHED', true],
    ['text', { now_eq: 'PUBLISHED' }, 'PUBLISHED', 'PUBLISHED', false],
    ['integer', { now_eq: null }, '5', null, true],
    ['integer', { now_eq: null }, null, null, false],
    ['integer', { now_eq: true }, '0', '7', true],
    ['integer', { now_eq: true }, '3', '7', false],
    ['numeric', { now_eq: 1 }, '1.0', '1.00', false],
  ],
  'now_gt, now_gte, now_lt and now_lte are true of the update that crosses the bound': [
    ['integer', { now_gt: 20 }, '10', '22', true],
    ['integer', { now_gt: 20 }, '42', '22', false],
    ['integer', { now_gt: 20 }, '20', '22', true],
    ['integer', { now_gt: 20 }, null, '22', true],
    ['integer', { now_gt: 20 }, '22', null, false],
    ['integer', { now_lt: 40 }, '42', '22', true],
    ['integer', { now_lt: 40 }, '12', '22', false],
    ['integer', { now_lt: 40 }, '40', '22', true],
    ['integer', { now_gte: 22 }, '10', '22', true],
    ['integer', { now_gte: 22 }, '42', '22', false],
    ['integer', { now_gte: 22 }, '22', '22', false],
    ['integer', { now_lte: 22 }, '42', '22', true],
    ['integer', { now_lte: 22 }, '12', '22', false],
    ['integer', { now_lte: 22 }, '22', '22', false],
  ],
  'now_is is true of the update that brings the value': [
    ['integer', { now_is: null }, '30', null, true],
    ['integer', { now_is: null }, null, null, false],
    ['boolean', { now_is: true }, 'f', 't', true],
    ['boolean', { now_is: true }, null, 't', true],
  ],
  'now_is_not, now_ne and now_not_in are true of the update that takes the value away': [
    ['integer', { now_is_not: null }, null, '30', true],
    ['integer', { now_is_not: null }, '10', '30', false],
    ['integer', { now_is_not: null }, '30', null, false],
    ['integer', { now_ne: 1 }, '1', '2', true],
    ['integer', { now_ne: 1 }, '1', null, true],
    ['integer', { now_ne: 1 }, '2', '1', false],
    ['integer', { now_ne: 1 }, '2', '3', false],
    ['text', { now_not_in: ['A', 'B'] }, 'A', 'C', true],
    ['text', { now_not_in: ['A', 'B'] }, 'A', 'B', false],
    ['text', { now_not_in: ['A', 'B'] }, 'C', 'D', false],
  ],
  'now_contains, now_startswith and now_endswith are true of the update that brings the text': [
    ['text', { now_contains: 'brown' }, 'The quick red fox', 'The quick brown fox', true],
    ['text', { now_contains: 'brown' }, 'brown', 'brown', false],
    ['text', { now_contains: 'brown' }, null, 'The quick brown fox', true],
    ['text', { now_startswith: 'The' }, 'A fox', 'The fox', true],
    ['text', { now_startswith: 'The' }, 'The wolf', 'The fox', false],
    ['text', { now_endswith: 'brown fox' }, 'The lazy red fox', 'The quick brown fox', true],
    ['text', { now_endswith: 'brown fox' }, 'The lazy brown fox', 'The quick brown fox', false],
    ['text[]', { now_contains: 'a' }, '{b}', '{a,b}', true],
  ],
  'now_in is true of the update that enters the list, not of one within it': [
    ['text', { now_in: ['PUBLISHED', 'X'] }, 'PENDING', 'PUBLISHED', true],
    ['text', { now_in: ['PUBLISHED', 'X'] }, 'PUBLISHED', 'PUBLISHED', false],
    ['text', { now_in: ['PUBLISHED', 'X'] }, 'X', 'PUBLISHED', false],
  ],
}

describe.each(Object.entries(UPDATES))('%s', (_behaviour, examples) => {
  test.each(examples)('%s column, %o, %j -> %j: %s', (type, condition, old, now, expected) => {
    const { table, predicate } = compiled(type, condition)
    expect(predicate(table.update({ f: old }, { f: now }))).toBe(expected)
  })
})

test.each<[unknown, Cell, boolean]>([
  [{ now_eq: 1 }, '1', true],
  [{ now_eq: 1 }, '2', false],
  [{ now_eq: null }, null, false],
  [{ now_eq: false }, null, false],
  [{ now_is: null }, null, false],
  [{ now_in: [1, 2] }, '1', true],
  [{ now_in: [null, 1] }, null, false],
  [{ now_gt: 0 }, '1', true],
  [{ now_contains: 1 }, '21', true],
  [{ now_ne: 1 }, '2', false],
  [{ now_not_in: [1] }, '2', false],
  [{ now_is_not: null }, '2', false],
])('an insert has no value before: %o on %j is %s', (condition, now, expected) => {
  const { table, predicate } = compiled('integer', condition)
  expect(predicate(table.insert({ f: now }))).toBe(expected)
})

const EVERY_TRANSITION = [
  { now_eq: 'x' },
  { now_in: ['x'] },
  { now_contains: 'x' },
  { now_startswith: 'x' },
  { now_endswith: 'x' },
  { now_is: 'x' },
  { now_gt: 'a' },
  { now_gte: 'x' },
  { now_lt: 'y' },
  { now_lte: 'x' },
  { now_ne: 'x' },
  { now_not_in: ['x'] },
  { now_is_not: 'x' },
]

test.each(EVERY_TRANSITION)('%o is never true of a delete, nor of an update that changes nothing', (condition) => {
  const { table, predicate } = compiled('text', condition)
  expect(predicate(table.delete({ f: 'x' }))).toBe(false)
  expect(predicate(table.update({ f: 'x' }, { f: 'x' }))).toBe(false)
  expect(predicate(table.update({ f: null }, { f: null }))).toBe(false)
})

test('a large text that was not updated counts as it was', () => {
  const unchanged = { f: 'x'.repeat(3000) }
  const contains = compiled('text', { contains: 'x' })
  expect(contains.predicate(contains.table.update(unchanged, unchanged))).toBe(true)
  const nowContains = compiled('text', { now_contains: 'x' })
  expect(nowContains.predicate(nowContains.table.update(unchanged, unchanged))).toBe(false)
})

describe('changed', () => {
  const table = aTable({ id: 'integer', a: 'text', b: 'numeric', c: 'jsonb' })

  function changed(columns: unknown): Predicate {
    const { predicate, problems } = compileChanged(columns, table.scope())
    expect(problems).toEqual([])
    return predicate!
  }

  test.each<[string, Record<string, Cell>, Record<string, Cell>, boolean]>([
    ['a column that differs', { a: 'x', b: '1' }, { a: 'y', b: '1' }, true],
    ['another one that differs', { a: 'x', b: '1' }, { a: 'x', b: '2' }, true],
    ['a value that becomes NULL', { a: 'x', b: '1' }, { a: null, b: '1' }, true],
    ['NULL that becomes a value', { a: null, b: '1' }, { a: '', b: '1' }, true],
    ['NULL that stays', { a: null, b: null }, { a: null, b: null }, false],
    ['nothing', { a: 'x', b: '1' }, { a: 'x', b: '1' }, false],
    ['only a column that is not listed', { a: 'x', b: '1', id: '1' }, { a: 'x', b: '1', id: '2' }, false],
    ['only the scale of a number', { a: 'x', b: '1.0' }, { a: 'x', b: '1.00' }, false],
  ])('%s', (_what, old, now, expected) => {
    expect(changed(['a', 'b'])(table.update(old, now))).toBe(expected)
  })

  test('is true of every insert and of no delete', () => {
    expect(changed(['a'])(table.insert({ a: null }))).toBe(true)
    expect(changed(['a'])(table.delete({ a: 'x' }))).toBe(false)
  })

  test('takes one column without a list, and a key within JSON', () => {
    expect(changed('a')(table.update({ a: 'x' }, { a: 'y' }))).toBe(true)
    const key = changed(['c.state'])
    expect(key(table.update({ c: '{"state": 1}' }, { c: '{"state": 1.0, "x": 2}' }))).toBe(false)
    expect(key(table.update({ c: '{"state": 1}' }, { c: '{"state": "1"}' }))).toBe(true)
    expect(key(table.update({ c: '{}' }, { c: null }))).toBe(false)
  })

  test('stands in a condition beside columns', () => {
    const { predicate } = compileCondition({ changed: ['a'], b: { gt: 1 } }, table.scope())
    expect(predicate?.(table.update({ a: 'x', b: '2' }, { a: 'y', b: '2' }))).toBe(true)
    expect(predicate?.(table.update({ a: 'x', b: '1' }, { a: 'y', b: '1' }))).toBe(false)
    expect(predicate?.(table.update({ a: 'x', b: '2' }, { a: 'x', b: '2' }))).toBe(false)
  })
})
