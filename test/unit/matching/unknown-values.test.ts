import { describe, expect, test } from 'vitest'
import { compileCondition } from '../../../src/matching/condition.ts'
import { emittedPair } from '../../../src/matching/emitted.ts'
import { UnknownValueError } from '../../../src/matching/event.ts'
import { Unreadable } from '../../../src/replication/change.ts'
import { aTable } from '../../support/rows.ts'

const table = aTable({ id: 'integer', f: 'text', other: 'integer' }, { identity: 'default' })

/** Without the catalog nothing is refused beforehand, as when the replica identity changes while hookd runs. */
function predicate(condition: unknown) {
  const compiled = compileCondition(condition, { ...table.scope(), table: null })
  expect(compiled.problems).toEqual([])
  return compiled.predicate!
}

const PLAIN = [
  { eq: 'x' },
  { eq: null },
  { eq: true },
  { ne: 'x' },
  { gt: 'x' },
  { gte: 'x' },
  { lt: 'x' },
  { lte: 'x' },
  { in: ['x'] },
  { in: [] },
  { not_in: ['x'] },
  { is: null },
  { is_not: null },
  { contains: 'x' },
  { startswith: 'x' },
  { endswith: 'x' },
  { regex: 'x' },
  { truthy: true },
  { falsy: true },
]
const TRANSITIONS = [
  { now_eq: 'x' },
  { now_in: ['x'] },
  { now_contains: 'x' },
  { now_startswith: 'x' },
  { now_endswith: 'x' },
  { now_is: 'x' },
  { now_gt: 'x' },
  { now_gte: 'x' },
  { now_lt: 'x' },
  { now_lte: 'x' },
  { now_ne: 'x' },
  { now_not_in: ['x'] },
  { now_is_not: 'x' },
]

describe.each([...PLAIN, ...TRANSITIONS])('%o', (condition) => {
  test.each([{ f: condition }, { not: { f: condition } }, { any: [{ f: condition }] }, { all: [{ f: condition }] }])(
    'an unknown new value is an error in %o',
    (whole) => {
      expect(() => predicate(whole)(table.update({ f: 'x' }, { f: undefined }))).toThrow(UnknownValueError)
    },
  )

  test('a value that cannot be represented is an error with its reason', () => {
    const row = table.update({ f: 'y' }, { f: new Unreadable('is NaN, which wal2json cannot carry') })
    expect(() => predicate({ f: condition })(row)).toThrow('column "f" is NaN, which wal2json cannot carry')
  })

  test('a column that the table has no more is an error, also under not', () => {
    expect(() => predicate({ gone: condition })(table.update({}, {}))).toThrow('column "gone" is not in public.article')
    expect(() => predicate({ not: { gone: condition } })(table.update({}, {}))).toThrow(UnknownValueError)
  })
})

test.each(TRANSITIONS)('an unknown old value is an error, whatever the new one, in %o', (condition) => {
  for (const now of ['x', 'w', null]) {
    expect(() => predicate({ f: condition })(table.update({ id: '1', f: undefined }, { f: now }))).toThrow(
      'column "f" has an old value that Postgres did not send, because REPLICA IDENTITY is not FULL',
    )
    expect(() => predicate({ f: condition })(table.update(null, { f: now }))).toThrow(UnknownValueError)
    expect(() => predicate({ not: { f: condition } })(table.update(null, { f: now }))).toThrow(UnknownValueError)
  }
})

test('changed needs the old values, too', () => {
  expect(() => predicate({ changed: ['f'] })(table.update(null, { f: 'x' }))).toThrow(UnknownValueError)
  expect(() => predicate({ changed: ['f'] })(table.update({ f: 'x' }, { f: undefined }))).toThrow(UnknownValueError)
})

test('a deleted row is known by its key alone', () => {
  const row = table.delete({ id: '1', f: undefined, other: undefined })
  expect(predicate({ id: 1 })(row)).toBe(true)
  expect(() => predicate({ f: { ne: 'x' } })(row)).toThrow(UnknownValueError)
})

test('where no old row was sent the key is as it was', () => {
  const row = table.update(null, { id: '1', f: 'x' })
  expect(predicate({ id: { now_eq: 1 } })(row)).toBe(false)
  expect(predicate({ changed: ['id'] })(row)).toBe(false)
})

test('an update that moves the key brings the old one', () => {
  const row = table.update({ id: '1', f: undefined, other: undefined }, { id: '2', f: 'x' })
  expect(predicate({ id: { now_eq: 2 } })(row)).toBe(true)
  expect(predicate({ changed: ['id', 'f'] })(row)).toBe(true)
})

describe('what is decided before an unknown value is reached stays decided', () => {
  const row = table.insert({ id: '1', f: undefined, other: '5' })

  test('a false part ends an AND', () => {
    expect(predicate({ other: 6, f: 'x' })(row)).toBe(false)
    expect(() => predicate({ f: 'x', other: 6 })(row)).toThrow(UnknownValueError)
  })

  test('a true part ends an any', () => {
    expect(predicate({ any: [{ other: 5 }, { f: 'x' }] })(row)).toBe(true)
    expect(() => predicate({ any: [{ f: 'x' }, { other: 5 }] })(row)).toThrow(UnknownValueError)
  })
})

test('any: true needs no value', () => {
  expect(predicate({ f: { any: true, ne: 'y' } })(table.insert({ f: 'x' }))).toBe(true)
  expect(compileCondition({ gone: { any: true } }, table.scope()).predicate).toBeNull()
})

test('a JSON value that cannot be read is an error', () => {
  const documents = aTable({ id: 'integer', doc: 'json' })
  const { predicate } = compileCondition({ 'doc.a': 'x' }, documents.scope())
  expect(() => predicate?.(documents.insert({ doc: String.raw`{"a": "\u0000"}` }))).toThrow(UnknownValueError)
  const nested = '['.repeat(100_000) + ']'.repeat(100_000)
  expect(() => predicate?.(documents.insert({ doc: `{"a": ${nested}}` }))).toThrow(UnknownValueError)
  expect(predicate?.(documents.insert({ doc: `{"b": ${nested}, "a": "x"}` }))).toBe(true)
})

describe('the data of an emitted event', () => {
  const scope = { ...table.scope('insert'), table: null, allowOld: false }

  test.each<[unknown, string, boolean]>([
    [{ name: 'Joe' }, '{"name": "Joe"}', true],
    [{ name: 'Joe' }, '{"name": "Simon"}', false],
    [{ foo: 1 }, '{"foo": 1}', true],
    [{ foo: 1 }, '{"foo": "1"}', false],
    [{ foo: 'bar', 'baz.x': 'x' }, '{"foo": "bar"}', false],
    [{ foo: 'bar', baz: { eq: { x: 'x' } } }, '{"foo": "bar"}', false],
    [{ foo: 'bar', baz: { eq: { x: 'x' } } }, '{"foo": "bar", "baz": {"x": "x"}}', true],
    [{ missing: null }, '{}', true],
    [{ missing: { ne: 'x' } }, 'null', true],
    [{ total: { gt: 9007199254740992n } }, '{"total": 9007199254740993}', true],
  ])('%o on %s: %s', (condition, data, expected) => {
    const { predicate } = compileCondition(condition, scope)
    expect(predicate?.(emittedPair(data)) ?? false).toBe(expected)
  })

  test('has no old row, so transitions are a problem', () => {
    const { problems } = compileCondition({ name: { now_eq: 'Joe' }, changed: ['name'] }, scope)
    expect(problems).toEqual([
      { path: ['name', 'now_eq'], message: '"now_eq" compares with the old row, and here is none; use "eq"' },
      { path: ['changed'], message: '"changed" compares with the old row, and here is none; leave it out' },
    ])
  })
})
