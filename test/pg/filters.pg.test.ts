import { beforeAll, describe, expect, test } from 'vitest'
import { regex } from '../../src/matching/regex.ts'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { insertSubscriber, refusalOf } from '../support/subscribers.ts'

describe.each(SERVER_KINDS)('a filter on %s', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
  })

  test.each([
    {},
    { name: 'Joe' },
    { name: null, 'address.city': 'Rome', tags: [1, 2] },
    { total: { gte: 10, lt: '20' } },
    { state: { in: [] }, other: { not_in: [null, 1] } },
    { state: { now_eq: 'PUBLISHED', now_in: ['A'], now_ne: 'x' } },
    { name: { startswith: 'G', endswith: ['a', 'b'], contains: '' }, digits: { startswith: 1, endswith: [] } },
    { name: { is: null, is_not: true, any: true, truthy: true } },
    { tags: { contains: { a: 1 }, is: [1] }, flag: { gt: false } },
    { '"any"': 1, '"net.total".currency': 'EUR', 'odd column': 2 },
    { changed: 'a' },
    { name: { eq: { a: [1] }, ne: [] } },
    { any: [{ a: 1 }, { all: [{ b: 2 }, { not: { c: 3 } }] }] },
    { changed: ['a', 'b'] },
    { not: { changed: ['a'] } },
  ])('may say %j', async (filter) => {
    await expect(insertSubscriber(db, { filter })).resolves.toMatchObject({ filter })
  })

  const FIELD = 'Write a column, or a path into a JSON column such as address.city; put odd names into double quotes.'
  const conditionHint = 'Write {"state": "PUBLISHED"} or {"total": {"gte": 1000}}.'

  test.each([
    ['[]', 'a condition is an object, and this is of type array', conditionHint],
    ['"x"', 'a condition is an object, and this is of type string', conditionHint],
    ['null', 'a condition is an object, and this is of type null', conditionHint],
    [{ any: [] }, '"any": it needs a list of conditions', 'Write {"any": [{"state": "A"}, {"total": {"gt": 5}}]}.'],
    [{ all: {} }, '"all": it needs a list of conditions', 'Write {"all": [{"state": "A"}, {"total": {"gt": 5}}]}.'],
    [{ any: ['x'] }, '"any": a condition is an object, and this is of type string', conditionHint],
    [{ not: [] }, '"not": a condition is an object, and this is of type array', conditionHint],
    [{ all: [{ not: { f: {} } }] }, '"all": "not": "f": it has no operator', 'Write {"eq": …}, or the value alone.'],
    [{ changed: [] }, '"changed": it needs a list of columns', 'Write {"changed": ["state", "title"]}.'],
    [{ changed: { eq: 1 } }, '"changed": it needs a list of columns', 'Write {"changed": ["state", "title"]}.'],
    [{ changed: [1] }, '"changed": it needs a list of columns', 'Write {"changed": ["state", "title"]}.'],
    [{ '"a': 1 }, '""a": that is not a field', FIELD],
    [{ '': 1 }, '"": that is not a field', FIELD],
    [{ 'a..b': 1 }, '"a..b": that is not a field', FIELD],
    [{ f: { in: 'abc' } }, '"f": "in" needs a list', 'Write {"in": ["a", "b"]}.'],
    [{ f: { now_not_in: 1 } }, '"f": "now_not_in" needs a list', 'Write {"now_not_in": ["a", "b"]}.'],
    [{ f: { gt: null } }, '"f": "gt" needs a number or a text', 'Write {"gt": 10} or {"gt": "2026-01-01"}.'],
    [
      { f: { startswith: null } },
      '"f": "startswith" needs a text or a list of texts',
      'Write {"startswith": "a"} or {"startswith": ["a", "b"]}.',
    ],
    [
      { f: { endswith: ['a', true] } },
      '"f": "endswith" needs a text or a list of texts',
      'Write {"endswith": "a"} or {"endswith": ["a", "b"]}.',
    ],
    [{ f: { any: 1 } }, '"f": "any" takes nothing but true', 'Write {"any": true}.'],
    [{ f: { truthy: 'yes' } }, '"f": "truthy" takes nothing but true', 'Write {"truthy": true}.'],
    [{ f: { regex: 1 } }, '"f": "regex" needs a text', 'Write {"regex": "^A.*z$"}.'],
  ])('may not say %j', async (filter, message, hint) => {
    const refusal = await refusalOf(insertSubscriber(db, { filter }))
    expect(refusal).toEqual({ code: '23514', message: `invalid filter: ${message}`, hint, column: 'filter' })
  })

  test('may nest 32 levels, operators included, and hold a thousand parts', async () => {
    const largest = { f: { in: Array.from({ length: 997 }, () => 1) } }
    for (const filter of [nest(31, { a: 1 }), { f: { eq: list(30) } }, largest, { f: 'x'.repeat(65_000) }]) {
      await expect(insertSubscriber(db, { filter })).resolves.toMatchObject({ active: true })
    }
  })

  const smaller = `Filter in the event's own "when", or by fewer values.`

  test.each([
    [
      'deeper than that',
      nest(32, { a: 1 }),
      'it nests deeper than 32 levels',
      'Write it flatter: a mapping is an "and" of its keys.',
    ],
    [
      'a list deeper than that',
      { f: { eq: list(34) } },
      '"f": it nests deeper than 32 levels',
      'Compare with something flatter.',
    ],
    ['more parts', { f: { in: Array.from({ length: 998 }, () => 1) } }, 'it has more than 1000 parts', smaller],
    ['more bytes', { f: 'x'.repeat(70_000) }, 'it has 70009 bytes, 65536 are the limit', smaller],
  ])('may not hold %s', async (_, filter, message, hint) => {
    const refusal = await refusalOf(insertSubscriber(db, { filter }))
    expect(refusal).toEqual({ code: '23514', message: `invalid filter: ${message}`, hint, column: 'filter' })
  })

  test.each([
    ['regx', '"regex", '],
    ['startwith', '"startswith", "now_startswith", "endswith"'],
    ['EQ', '"eq", '],
    ['now_regex', '"regex", '],
    ['$gte', '"gte", '],
  ])('names the operators nearest to %s', async (operator, nearest) => {
    const { message, hint } = await refusalOf(insertSubscriber(db, { filter: { state: { [operator]: 'x' } } }))
    expect(message).toBe(`invalid filter: "state": unknown operator "${operator}"`)
    expect(hint).toContain(`Nearest: ${nearest}`)
    expect(hint).toContain('Valid are eq, ne, gt, gte, lt, lte, in,')
  })

  test.each([
    'Constanza',
    '^G.*a$',
    '(a+)+$',
    '',
    '(?i)joe',
    'a(?i:b)(?-s)c',
    '(?P<year>\\d{4})-(?<month>\\d\\d)',
    '\\pL+\\p{Greek}[\\p{Lu}x]',
    '[]a][^]a][[:alpha:]_-]',
    '\\Qa.b(\\E.*\\z',
    '\\x{1F600}\\x41\\t\\.',
    'a{2,300}b{3}c{4,}d{e',
    '(|a)b??|c*?',
    'étude',
    'x'.repeat(990),
  ])('may hold the regex %s', async (pattern) => {
    expect(daemonTakes(pattern)).toBe(true)
    await expect(insertSubscriber(db, { filter: { f: { regex: pattern } } })).resolves.toMatchObject({ active: true })
  })

  const re2 = 'Write a regular expression in RE2 syntax, https://github.com/google/re2/wiki/Syntax'
  const AROUND = 'the regex looks around, which RE2 does not do'
  const CONDITIONS = 'Combine conditions with "all" and "not" instead.'
  const classes = 'Write the character itself, a class such as [a-z], or \\x{…}.'

  test.each([
    ['(', 'invalid regular expression: parentheses () not balanced', re2],
    ['a)', 'invalid regular expression: parentheses () not balanced', re2],
    ['[a', 'invalid regular expression: brackets [] not balanced', re2],
    ['a**', 'invalid regular expression: quantifier operand invalid', re2],
    ['[z-a]', 'invalid regular expression: invalid character range', re2],
    ['a\\', 'invalid regular expression: invalid escape \\ sequence', re2],
    ['*a', 'the regex starts with a quantifier', 'Put something before it, or escape it with a backslash.'],
    ['***=x', 'the regex starts with a quantifier', 'Put something before it, or escape it with a backslash.'],
    [
      '(a)\\1',
      'the regex has a backreference, which RE2 does not know',
      'RE2 matches in linear time and can compare nothing with a group.',
    ],
    [
      '(?<n>a)\\k<n>',
      'the regex has a backreference, which RE2 does not know',
      'RE2 matches in linear time and can compare nothing with a group.',
    ],
    ['a(?=b)', AROUND, CONDITIONS],
    ['a(?!b)', AROUND, CONDITIONS],
    ['(?<=a)b', AROUND, CONDITIONS],
    ['(?<!a)b', AROUND, CONDITIONS],
    [
      '(?>a)',
      'the regex has a group that starts with (?>, which RE2 does not know',
      'Write (…), (?:…), (?P<name>…) or (?i)….',
    ],
    ['a\\Z', 'the regex has \\Z, which RE2 does not know', classes],
    ['\\mword', 'the regex has \\m, which RE2 does not know', classes],
    ['\\u0041', 'the regex has \\u, which RE2 does not know', classes],
    ['a{1001}', 'the regex repeats {1001}, 1000 times are the limit', 'Write * or +.'],
    ['a{3,2}', 'the regex repeats {3,2}, which ends before it starts', 'Swap the two numbers.'],
    [
      'x'.repeat(1001),
      'the regex has 1001 characters, 1000 are the limit',
      'Write a shorter one, or several conditions.',
    ],
  ])('may not hold the regex %s', async (pattern, message, hint) => {
    expect(daemonTakes(pattern)).toBe(false)
    const refusal = await refusalOf(insertSubscriber(db, { filter: { all: [{ f: { regex: pattern } }] } }))
    expect(refusal).toEqual({
      code: '23514',
      message: `invalid filter: "all": "f": ${message}`,
      hint,
      column: 'filter',
    })
  })
})

function daemonTakes(pattern: string): boolean {
  return typeof regex(pattern, { programSize: 0 }) !== 'string'
}

function nest(levels: number, inner: unknown): Record<string, unknown> {
  let condition = inner as Record<string, unknown>
  for (let level = 1; level < levels; level += 1) condition = { not: condition }
  return condition
}

function list(levels: number): unknown[] {
  return levels === 1 ? [] : [list(levels - 1)]
}
