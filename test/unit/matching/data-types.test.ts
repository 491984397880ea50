import { describe, expect, test } from 'vitest'
import { compileCondition } from '../../../src/matching/condition.ts'
import type { Cell } from '../../../src/replication/change.ts'
import { JsonNumber } from '../../../src/values/json.ts'
import { aTable } from '../../support/rows.ts'
import type { TypeName } from '../../support/rows.ts'

function holds(type: TypeName, condition: unknown, cell: Cell): boolean {
  const table = aTable({ f: type })
  const { predicate, problems } = compileCondition({ f: condition }, table.scope())
  expect(problems).toEqual([])
  return predicate?.(table.insert({ f: cell })) ?? true
}

const exactly = (source: string): JsonNumber => new JsonNumber(source)

type Example = [type: TypeName, condition: unknown, cell: Cell, expected: boolean]

const EXAMPLES: Record<string, Example[]> = {
  'numbers beyond the precision of a double are compared digit for digit': [
    ['bigint', { eq: 9007199254740993n }, '9007199254740993', true],
    ['bigint', { eq: 9007199254740993n }, '9007199254740992', false],
    ['bigint', { gt: 9223372036854775806n }, '9223372036854775807', true],
    ['bigint', { gt: 9223372036854775807n }, '9223372036854775807', false],
    ['bigint', { in: [9007199254740992n] }, '9007199254740993', false],
    ['numeric', { gt: exactly('12345678901234567890.1') }, '12345678901234567890.2', true],
    ['numeric', { eq: exactly('12345678901234567890.10') }, '12345678901234567890.1', true],
    ['numeric', { lt: exactly('0.30000000000000000001') }, '0.3', true],
    ['numeric', { eq: 0.3 }, '0.30000000000000000001', false],
    ['numeric', { gt: exactly('1e30') }, '1000000000000000000000000000001', true],
    ['double precision', { eq: exactly('1e20') }, '1e+20', true],
    ['double precision', { eq: 0.1 }, '0.1', true],
    ['real', { eq: 0.1 }, '0.1', true],
    ['double precision', { lt: 1e-320 }, '9e-324', true],
  ],
  'infinity and NaN have their place in the order of numbers': [
    ['numeric', { gt: 1 }, 'Infinity', true],
    ['numeric', { lt: 1 }, '-Infinity', true],
    ['numeric', { gt: exactly('Infinity') }, 'NaN', true],
    ['numeric', { eq: exactly('NaN') }, 'NaN', true],
    ['numeric', { eq: exactly('Infinity') }, 'Infinity', true],
  ],
  'time stamps are compared as instants, whatever their zone and spelling': [
    ['timestamp with time zone', { eq: '2026-01-13T23:12:52.205785Z' }, '2026-01-13 23:12:52.205785+00', true],
    ['timestamp with time zone', { eq: '2026-01-14T01:12:52.205785+02:00' }, '2026-01-13 23:12:52.205785+00', true],
    ['timestamp with time zone', { eq: '2026-01-13 23:12:52.205785' }, '2026-01-13 23:12:52.205785+00', true],
    ['timestamp with time zone', { gt: '2026-01-13T23:12:52.2Z' }, '2026-01-13 23:12:52.205785+00', true],
    ['timestamp with time zone', { lt: '2026-01-13T18:12-0530' }, '2026-01-13 23:12:52.205785+00', true],
    ['timestamp with time zone', { gte: '2026-01-13' }, '2026-01-13 00:00:00+00', true],
    ['timestamp with time zone', { in: ['2026-01-13T01:00+01'] }, '2026-01-13 00:00:00+00', true],
    ['timestamp with time zone', { gt: '9999-12-31' }, 'infinity', true],
    ['timestamp with time zone', { lt: '0001-01-01' }, '-infinity', true],
    ['timestamp with time zone', { lt: 'infinity' }, '294276-12-31 23:59:59.999999+00', true],
    ['timestamp with time zone', { gt: '9999-12-31' }, '10000-01-01 00:00:00+00', true],
    ['timestamp without time zone', { gt: '2026-01-13T10:00' }, '2026-01-13 10:00:00.000001', true],
    ['timestamp without time zone', { eq: '2026-01-13T24:00:00' }, '2026-01-14 00:00:00', true],
    ['timestamp without time zone', { gt: '2026-01-13' }, null, false],
  ],
  'years before Christ come before those after': [
    ['timestamp with time zone', { lt: '0044-03-15' }, '0044-03-15 00:00:00+00 BC', true],
    ['timestamp with time zone', { lt: '0043-03-15 00:00:00+00 BC' }, '0044-03-15 00:00:00+00 BC', true],
    ['date', { eq: '0044-03-15 BC' }, '0044-03-15 BC', true],
    ['date', { gt: '4713-01-01 BC' }, '0001-12-31 BC', true],
  ],
  'dates and times of day are ordered too': [
    ['date', { gt: '2026-01-09' }, '2026-01-10', true],
    ['date', { eq: '2026-01-10T00:00:00Z' }, '2026-01-10', true],
    ['date', { lt: 'infinity' }, '5874897-12-31', true],
    ['time without time zone', { gte: '09:00' }, '09:00:00', true],
    ['time without time zone', { lt: '10:00' }, '09:59:59.999999', true],
    ['time with time zone', { eq: '01:02:03Z' }, '03:02:03+02', true],
  ],
  'a UUID may be written in any of its spellings': [
    ['uuid', { eq: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' }, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true],
    ['uuid', { in: ['{a0eebc999c0b4ef8bb6d6bb9bd380a11}'] }, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true],
    ['uuid', { eq: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12' }, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', false],
  ],
  'the blanks that fill up char(n) do not count': [
    ['character(10)', { eq: 'abc' }, 'abc       ', true],
    ['character(10)', { in: ['abc '] }, 'abc       ', true],
    ['character(10)', { endswith: 'c' }, 'abc       ', true],
    ['character(10)', { regex: 'c$' }, 'abc       ', true],
  ],
  'an enum is compared by its label': [
    ['mood', { eq: 'happy' }, 'happy', true],
    ['mood', { in: ['happy', 'ok'] }, 'sad', false],
    ['mood', { startswith: 'h' }, 'happy', true],
    ['mood[]', { contains: 'happy' }, '{sad,happy}', true],
  ],
  'a domain is compared as its base type': [
    ['positive', { gt: 9 }, '10', true],
    ['tags', { contains: 'a' }, '{a,b}', true],
  ],
  'an array is compared element by element': [
    ['integer[]', { contains: 2 }, '{1,2,3}', true],
    ['integer[]', { contains: 12 }, '{1,2,3}', false],
    ['integer[]', { contains: 4 }, '{{1,2},{3,4}}', true],
    ['integer[]', { contains: null }, '{1,NULL}', true],
    ['integer[]', { contains: null }, '{1,2}', false],
    ['integer[]', { contains: 1 }, null, false],
    ['text[]', { contains: 'a,b' }, '{"a,b",c}', true],
    ['text[]', { contains: 'NULL' }, '{"NULL"}', true],
    ['text[]', { contains: 'say "hi"' }, '{"say \\"hi\\""}', true],
    ['text[]', ['abc', 'def'], '{abc,def}', true],
    ['text[]', { eq: ['abc', 'def'] }, '{def,abc}', false],
    ['text[]', { eq: ['abc', null] }, '{abc,NULL}', true],
    ['text[]', { eq: [] }, '{}', true],
    [
      'integer[]',
      {
        eq: [
          [1, 2],
          [3, 4],
        ],
      },
      '{{1,2},{3,4}}',
      true,
    ],
    [
      'integer[]',
      {
        eq: [
          [1, 2],
          [3, 4],
        ],
      },
      '{1,2}',
      false,
    ],
    ['integer[]', { ne: [1] }, null, true],
    ['text[]', { in: [['a'], ['b']] }, '{b}', true],
  ],
  'JSON is compared by value and by JSON type': [
    ['jsonb', { eq: 1 }, '1.0', true],
    ['jsonb', { eq: '1' }, '1', false],
    ['jsonb', { eq: 1 }, '"1"', false],
    ['jsonb', { eq: { a: 1, b: [true, null] } }, '{"b": [true, null], "a": 1}', true],
    ['jsonb', { eq: { a: 1 } }, '{"a": 1, "b": 2}', false],
    ['jsonb', { eq: null }, 'null', true],
    ['jsonb', { eq: null }, null, true],
    ['jsonb', { eq: true }, '{"a": 1}', true],
    ['jsonb', { eq: false }, '{}', true],
    ['jsonb', { eq: false }, '[]', true],
    ['jsonb', { eq: false }, '0.0', true],
    ['jsonb', { eq: false }, null, true],
    ['jsonb', { eq: true }, '"false"', true],
    ['jsonb', { is: true }, 'true', true],
    ['jsonb', { is: true }, '1', false],
    ['jsonb', { gt: exactly('12345678901234567890') }, '12345678901234567891', true],
    ['jsonb', { gt: 5 }, '"6"', false],
    ['jsonb', { gt: 'a' }, '"b"', true],
    ['jsonb', { in: [1, 'a'] }, '"a"', true],
    ['jsonb', { contains: 'key' }, '{"key": null}', true],
    ['jsonb', { contains: 'key' }, '{"lock": "key"}', false],
    ['jsonb', { contains: 'abc' }, '["abc", "def"]', true],
    ['jsonb', { contains: 1 }, '["1", 1.0]', true],
    ['jsonb', { contains: 'b' }, '"abc"', true],
    ['jsonb', { contains: 'b' }, '12', false],
    ['jsonb', { startswith: 'a' }, '"abc"', true],
    ['jsonb', { startswith: '1' }, '12', false],
    ['jsonb', { regex: '^a' }, '"abc"', true],
    ['json', { eq: { a: 2 } }, ' { "a" : 1, "a" : 2 } ', true],
  ],
  'hstore and composite values are seen as the objects that to_jsonb gives': [
    ['hstore', { contains: 'a' }, '"a"=>"1", "b"=>NULL', true],
    ['hstore', { contains: '1' }, '"a"=>"1", "b"=>NULL', false],
    ['hstore', { falsy: true }, '', true],
    ['address', { contains: 'street' }, '("Main St",5)', true],
    ['address', { eq: { street: 'Main St', number: 5 } }, '("Main St",5)', true],
  ],
}

describe.each(Object.entries(EXAMPLES))('%s', (_behaviour, examples) => {
  test.each(examples)('%s column, %o, value %j: %s', (type, condition, cell, expected) => {
    expect(holds(type, condition, cell)).toBe(expected)
  })
})

test('a type that becomes another one in mid-stream is compared as what it is by then', () => {
  const before = aTable({ f: 'text' })
  const after = aTable({ f: 'integer' })
  const { predicate } = compileCondition({ f: { gt: 5 } }, { ...before.scope(), table: null })
  expect(predicate?.(before.insert({ f: '7' }))).toBe(false)
  expect(predicate?.(after.insert({ f: '7' }))).toBe(true)
  expect(predicate?.(before.insert({ f: '7' }))).toBe(false)
})

test('without a catalog the types of the row decide, and what cannot be compared is false', () => {
  const table = aTable({ f: 'text' })
  const scope = { ...table.scope(), table: null }
  const row = table.insert({ f: '1' })
  expect(compileCondition({ f: { gt: 0 } }, scope).predicate?.(row)).toBe(false)
  expect(compileCondition({ f: 1 }, scope).predicate?.(row)).toBe(false)
  expect(compileCondition({ f: { ne: 1 } }, scope).predicate?.(row)).toBe(true)
  expect(compileCondition({ 'f.g': '1' }, scope).predicate?.(row)).toBe(false)
})
