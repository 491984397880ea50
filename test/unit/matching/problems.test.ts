import { describe, expect, test } from 'vitest'
import { compileChanged } from '../../../src/matching/changed.ts'
import { compileCondition } from '../../../src/matching/condition.ts'
import type { ConditionScope } from '../../../src/matching/scope.ts'
import { JsonNumber, parseJson } from '../../../src/values/json.ts'
import { aTable } from '../../support/rows.ts'

const table = aTable(
  {
    id: 'integer',
    state: 'text',
    total: 'numeric',
    paid: 'boolean',
    tags: 'text[]',
    meta: 'jsonb',
    mood: 'mood',
    created_at: 'timestamp with time zone',
    ref: 'uuid',
    net: 'numeric',
    any: 'text',
  },
  { generated: ['net'] },
)

/** `path: message` of each problem. */
function problemsOf(condition: unknown, scope: ConditionScope = table.scope()): string[] {
  return compileCondition(condition, scope).problems.map(({ path, message }) => `${path.join('/')}: ${message}`)
}

test.each<[what: string, condition: unknown, problem: string]>([
  [
    'an operator that does not exist, with the nearest one',
    { state: { regx: 'x' } },
    'state/regx: unknown operator "regx" on "state"; did you mean "regex"?',
  ],
  [
    'an operator in upper case',
    { state: { EQ: 'x' } },
    'state/EQ: unknown operator "EQ" on "state"; did you mean "eq"?',
  ],
  [
    'an operator like no other, with all there are',
    { meta: { address: 'x' } },
    'meta/address: unknown operator "address" on "meta"; known: eq, gt, gte, lt, lte, in, is, contains, startswith, endswith, regex, truthy, falsy, ne, not_in, is_not, any, and now_… (now_eq); a key within a json column is written meta.address',
  ],
  [
    'a combinator below a column',
    { state: { not: { eq: 'x' } } },
    'state/not: unknown operator "not" on "state"; it goes around or beside columns, not below one',
  ],
  [
    'a column that does not exist, with the nearest one',
    { stat: 'x' },
    'stat: unknown column "stat" of public.article; did you mean "state"?',
  ],
  [
    'a column like no other, with all there are',
    { zzzzzz: 'x' },
    'zzzzzz: unknown column "zzzzzz" of public.article; known: "any", created_at, id, meta, mood, net, paid, ref, state, tags, total',
  ],
  ['a generated column', { net: 1 }, 'net: column "net" is generated, and Postgres does not send generated columns'],
  [
    'a path into a column without keys',
    { 'state.x': 1 },
    'state.x: column "state" is text, which has nothing at "x"; only json and jsonb have keys',
  ],
  [
    'a field that cannot be read',
    { 'a..b': 1 },
    'a..b: "a..b" is no field; write column, column.key, or "odd column" in double quotes',
  ],
  ['no operator', { state: {} }, 'state: "state" has no operator; write state: { eq: … }'],
  [
    'a number for a text column',
    { state: 1 },
    'state: "eq" on column "state" (text) takes text, not the number 1; write "1" in quotes',
  ],
  [
    'a text for a number column',
    { total: { gt: '1' } },
    'total/gt: "gt" on column "total" (numeric) takes a number, not the text "1"; write 1 without quotes',
  ],
  [
    'a text that is no date',
    { created_at: { gt: 'yesterday' } },
    'created_at/gt: "gt" on column "created_at" (timestamp with time zone) takes a date or a time stamp such as "2026-01-13T23:12:52Z", not the text "yesterday"',
  ],
  [
    'a day that does not exist',
    { created_at: '2026-02-30' },
    'created_at: "eq" on column "created_at" (timestamp with time zone) takes a date or a time stamp such as "2026-01-13T23:12:52Z", not the text "2026-02-30"',
  ],
  ['a text that is no UUID', { ref: 'x' }, 'ref: "eq" on column "ref" (uuid) takes a UUID, not the text "x"'],
  [
    'a text for a boolean column',
    { paid: 'true' },
    'paid: "eq" on column "paid" (boolean) takes true or false, not the text "true"',
  ],
  [
    'a list without in',
    { state: ['A', 'B'] },
    'state: "eq" on column "state" (text) takes text, not a list; for one of several values use "in"',
  ],
  ['in without a list', { state: { in: 'abc' } }, 'state/in: "in" takes a list, not the text "abc"'],
  [
    'in with an item of another type',
    { state: { in: ['A', 1] } },
    'state/in: "in" on column "state" (text) takes a list of which each item takes text, not the number 1; write "1" in quotes',
  ],
  [
    'an order of what has none',
    { mood: { gt: 'sad' } },
    'mood/gt: "gt" on column "mood" (mood) cannot be used on this type, which has no order here; use "in" with a list of values',
  ],
  [
    'an order of arrays',
    { tags: { gt: 'a' } },
    'tags/gt: "gt" on column "tags" (text[]) cannot be used on an array, which has no order',
  ],
  [
    'a comparison with null',
    { total: { gt: null } },
    'total/gt: "gt" takes a value, not null; nothing is greater or less than null',
  ],
  ['an order against a boolean', { total: { gt: true } }, 'total/gt: "gt" takes a number or text, not true'],
  [
    'a substring of an array',
    { tags: { startswith: 'a' } },
    'tags/startswith: "startswith" on column "tags" (text[]) cannot be used on an array; use "contains" with an element',
  ],
  [
    'startswith with an empty list',
    { state: { startswith: [] } },
    'state/startswith: "startswith" takes text or a list of texts, not an empty list',
  ],
  ['truthy without true', { state: { truthy: false } }, 'state/truthy: "truthy" takes true; its opposite is "falsy"'],
  [
    'the operator any without true',
    { state: { any: ['A'] } },
    'state/any: "any" takes true here, which always holds; to combine conditions put "any" beside the columns',
  ],
  [
    'the combinator any without a list',
    { any: 'x' },
    `any: "any" takes a list of conditions, not the text "x"; a column of that name is written '"any"'`,
  ],
  [
    'an empty any',
    { any: [] },
    `any: "any" takes a list of conditions, not an empty list; a column of that name is written '"any"'`,
  ],
  [
    'an empty all',
    { all: [] },
    `all: "all" takes a list of conditions, not an empty list; a column of that name is written '"all"'`,
  ],
  [
    'a list instead of a condition',
    [{ state: 'A' }],
    ': a condition is a mapping such as { state: published }, not a list; put a list of conditions under "any" or "all"',
  ],
  [
    'a text instead of a condition',
    { not: 'x' },
    'not: a condition is a mapping such as { state: published }, not the text "x"',
  ],
  ['changed without columns', { changed: [] }, 'changed: "changed" takes at least one column'],
  [
    'changed with something else',
    { changed: [{ state: 'x' }] },
    'changed/0: "changed" takes columns, such as [state, title], not a mapping',
  ],
  [
    'changed with a column that does not exist',
    { changed: ['state', 'titel'] },
    'changed/1: unknown column "titel" of public.article; known: "any", created_at, id, meta, mood, net, paid, ref, state, tags, total',
  ],
  [
    'a bad pattern',
    { state: { regex: '(a' } },
    'state/regex: "regex" has a bad pattern: error parsing regexp: missing closing ): `(a`',
  ],
  [
    'something that no parser gives',
    { state: new Date(0) },
    ': the condition holds something that is neither text, number, true, false, null, list nor mapping',
  ],
  ['a number that is none', { total: new JsonNumber('1.2.3') }, ': "1.2.3" is not a number'],
])('%s is a problem', (_what, condition, problem) => {
  expect(problemsOf(condition)).toEqual([problem])
})

test('all problems are reported at once, each with its place', () => {
  const condition = {
    any: [{ stat: 'x' }, { not: { total: { gt: 'x', regx: 1 } } }],
    state: { in: 'abc' },
  }
  expect(compileCondition(condition, table.scope()).problems.map(({ path }) => path)).toEqual([
    ['any', 0, 'stat'],
    ['any', 1, 'not', 'total', 'gt'],
    ['any', 1, 'not', 'total', 'regx'],
    ['state', 'in'],
  ])
})

test('a condition with problems matches nothing', () => {
  const { predicate } = compileCondition({ stat: 'x' }, table.scope())
  expect(predicate?.(table.insert({}))).toBe(false)
})

describe('a condition on an old value that the replica identity does not give', () => {
  const plain = aTable({ id: 'integer', state: 'text' }, { identity: 'default' })
  const FIX = 'run: ALTER TABLE public.article REPLICA IDENTITY FULL;'

  test.each<[unknown, ConditionScope, string]>([
    [
      { state: { now_eq: 'A' } },
      plain.scope('update'),
      `state/now_eq: "now_eq" needs the old value of "state", which Postgres does not send for this table; ${FIX}`,
    ],
    [
      { state: { now_ne: 'A' } },
      plain.scope('insert', 'update'),
      `state/now_ne: "now_ne" needs the old value of "state", which Postgres does not send for this table; ${FIX}`,
    ],
    [
      { changed: ['id', 'state'] },
      plain.scope('update'),
      `changed/1: "changed" needs the old value of "state", which Postgres does not send for this table; ${FIX}`,
    ],
    [
      { state: 'A' },
      plain.scope('delete'),
      `state: a condition on deleted rows needs the old value of "state", which Postgres does not send for this table; ${FIX}`,
    ],
  ])('%o is a problem with the statement that helps', (condition, scope, problem) => {
    expect(problemsOf(condition, scope)).toEqual([problem])
  })

  test.each<[unknown, ConditionScope]>([
    [{ state: { now_eq: 'A' } }, plain.scope('insert')],
    [{ id: { now_eq: 1 }, changed: ['id'] }, plain.scope('update')],
    [{ id: 1 }, plain.scope('delete')],
    [{ state: 'A' }, plain.scope('insert', 'update')],
    [{ state: { now_eq: 'A' }, changed: ['state'] }, table.scope()],
  ])('%o needs none', (condition, scope) => {
    expect(problemsOf(condition, scope)).toEqual([])
  })

  test('odd names are quoted in the statement', () => {
    const odd = { ...plain.catalog, schema: 'Shop', table: 'my"order' }
    expect(problemsOf({ state: { now_eq: 'A' } }, { ...plain.scope('update'), table: odd })[0]).toContain(
      'run: ALTER TABLE "Shop"."my""order" REPLICA IDENTITY FULL;',
    )
  })

  test('under REPLICA IDENTITY NOTHING not even the key is known', () => {
    const nothing = { ...plain.catalog, identity: 'nothing' as const }
    expect(problemsOf({ id: 1 }, { ...plain.scope('delete'), table: nothing })).toHaveLength(1)
  })

  test('the partitions of a table decide, where they are known', () => {
    const oldRows = { columns: new Set(['id']), fix: 'ALTER TABLE public.part REPLICA IDENTITY FULL;' }
    expect(problemsOf({ state: { now_eq: 'A' } }, { ...table.scope('update'), oldRows })[0]).toContain(oldRows.fix)
  })
})

test('a transition of a row that is only ever deleted is a problem', () => {
  expect(problemsOf({ state: { now_eq: 'A' } }, table.scope('delete'))).toEqual([
    'state/now_eq: "now_eq" is about a row before and after, and a deleted row has no after; use "eq"',
  ])
  expect(problemsOf({ state: { now_is_not: 'A' } }, table.scope('delete'))[0]).toContain('use "is_not"')
  expect(compileChanged(['state'], table.scope('delete')).problems).toHaveLength(1)
  expect(problemsOf({ state: { now_eq: 'A' } }, table.scope('update', 'delete'))).toEqual([])
})

test('a truncate has no row that a condition could be about', () => {
  const problem = 'a truncate has no rows, so no condition can be about them; leave it out'
  expect(problemsOf({ state: 'A' }, table.scope('truncate'))).toEqual([`: ${problem}`])
  expect(compileChanged(['state'], table.scope('truncate')).problems).toEqual([{ path: [], message: problem }])
  expect(problemsOf({}, table.scope('truncate'))).toEqual([])
})

describe('size', () => {
  const nested = (levels: number): unknown => (levels === 1 ? { id: 1 } : { not: nested(levels - 1) })
  const lists = (levels: number): unknown => (levels === 0 ? 1 : [lists(levels - 1)])

  test('32 levels are the limit', () => {
    expect(problemsOf(nested(32))).toEqual([])
    expect(problemsOf(nested(33))).toEqual([': the condition is nested more than 32 levels deep'])
    expect(problemsOf(nested(5_000))).toHaveLength(1)
    expect(problemsOf({ meta: lists(5_000) })).toHaveLength(1)
  })

  test('a list below any or all is no level of its own', () => {
    const groups = (levels: number): unknown => (levels === 1 ? { id: 1 } : { any: [groups(levels - 1)] })
    expect(problemsOf(groups(32))).toEqual([])
  })

  test('1,000 parts are the limit', () => {
    const numbers = (count: number) => ({ total: { in: Array.from({ length: count }, (_, index) => index) } })
    expect(problemsOf(numbers(997))).toEqual([])
    expect(problemsOf(numbers(998))).toEqual([': the condition has more than 1000 parts; make it smaller'])
    expect(problemsOf(numbers(1_000_000))).toHaveLength(1)
  })

  test('65,536 characters are the limit', () => {
    expect(problemsOf({ state: 'x'.repeat(60_000) })).toEqual([])
    expect(problemsOf({ state: 'x'.repeat(70_000) })).toEqual([': the condition has more than 65536 characters'])
  })
})

test('a condition may come from a JSON parser that keeps every digit', () => {
  const condition = parseJson('{"total": {"gt": 12345678901234567890.1}, "any": [{"state": "A"}]}')
  const { predicate, problems } = compileCondition(condition, table.scope())
  expect(problems).toEqual([])
  expect(predicate?.(table.insert({ total: '12345678901234567890.2', state: 'A' }))).toBe(true)
  expect(predicate?.(table.insert({ total: '12345678901234567890.1', state: 'A' }))).toBe(false)
})
