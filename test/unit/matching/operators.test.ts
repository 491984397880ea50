import { describe, expect, test } from 'vitest'
import { compileCondition } from '../../../src/matching/condition.ts'
import type { Cell } from '../../../src/replication/change.ts'
import { aTable } from '../../support/rows.ts'
import type { TypeName } from '../../support/rows.ts'

/** Whether a condition on the column `f` holds for a row that was inserted with that cell. */
function holds(type: TypeName, condition: unknown, cell: Cell): boolean {
  const table = aTable({ f: type })
  const { predicate, problems } = compileCondition({ f: condition }, table.scope())
  expect(problems).toEqual([])
  return predicate?.(table.insert({ f: cell })) ?? true
}

type Example = [type: TypeName, condition: unknown, cell: Cell, expected: boolean]

const EXAMPLES: Record<string, Example[]> = {
  'eq compares values of the column’s type, and NULL equals no value': [
    ['integer', { eq: 30 }, '30', true],
    ['integer', { eq: 30 }, '10', false],
    ['integer', { eq: 30 }, null, false],
    ['integer', { eq: 1.0 }, '1', true],
    ['numeric', { eq: 1 }, '1.00', true],
    ['text', { eq: '30' }, '30', true],
    ['text', { eq: 'é' }, 'e\u0301', false],
  ],
  'a value alone means eq': [
    ['text', 'PUBLISHED', 'PUBLISHED', true],
    ['text', 'PUBLISHED', 'PENDING', false],
    ['integer', 5, '5', true],
    ['integer', null, null, true],
    ['integer', null, '5', false],
  ],
  'eq true on a column that is not boolean tests truthiness': [
    ['boolean', { eq: true }, 't', true],
    ['integer', { eq: true }, '30', true],
    ['text', { eq: true }, 'foo', true],
    ['text', { eq: true }, '', false],
    ['text', { eq: true }, null, false],
    ['integer', { eq: true }, '0', false],
  ],
  'eq false on a column that is not boolean tests for what is falsy, NULL too': [
    ['boolean', { eq: false }, 't', false],
    ['boolean', { eq: false }, 'f', true],
    ['integer', { eq: false }, '30', false],
    ['text', { eq: false }, 'foo', false],
    ['text', { eq: false }, '', true],
    ['text', { eq: false }, null, true],
    ['integer', { eq: false }, '0', true],
  ],
  'on a boolean column NULL is neither true nor false': [
    ['boolean', { eq: true }, null, false],
    ['boolean', { eq: false }, null, false],
    ['boolean', { ne: false }, null, true],
    ['boolean', { truthy: true }, null, false],
    ['boolean', { falsy: true }, null, true],
  ],
  'ne is the opposite of eq and holds for NULL': [
    ['integer', { ne: 30 }, '20', true],
    ['integer', { ne: 30 }, null, true],
    ['integer', { ne: 30 }, '30', false],
    ['integer', { ne: true }, '0', true],
    ['integer', { ne: true }, '7', false],
  ],
  'null is a value to eq and ne': [
    ['integer', { eq: null }, null, true],
    ['integer', { eq: null }, '0', false],
    ['integer', { ne: null }, null, false],
    ['integer', { ne: null }, '0', true],
    ['text', { ne: null }, '', true],
  ],
  'gt, gte, lt and lte compare numbers, and never hold for NULL': [
    ['integer', { gt: 30 }, '31', true],
    ['integer', { gt: 30 }, '30', false],
    ['integer', { gt: 30 }, null, false],
    ['integer', { gte: 30 }, '31', true],
    ['integer', { gte: 30 }, '30', true],
    ['integer', { gte: 30 }, '29', false],
    ['integer', { gte: 30 }, null, false],
    ['integer', { lt: 30 }, '29', true],
    ['integer', { lt: 30 }, '30', false],
    ['integer', { lt: 30 }, null, false],
    ['integer', { lte: 30 }, '29', true],
    ['integer', { lte: 30 }, '30', true],
    ['integer', { lte: 30 }, '31', false],
    ['integer', { lte: 30 }, null, false],
    ['integer', { gt: 9 }, '10', true],
    ['double precision', { gt: 2.3 }, '3.03', true],
  ],
  'text is ordered by code point': [
    ['text', { gt: 'a' }, 'b', true],
    ['text', { gt: 'Z' }, 'a', true],
    ['text', { lt: 'ab' }, 'a', true],
    ['text', { gt: '\u{ffff}' }, '\u{1f600}', true],
    ['text', { lt: 'é' }, 'z', true],
  ],
  'in holds for any item of a list, and for NULL only if null is listed': [
    ['text', { in: ['PUBLISHED', 'X', 'Y', 'Z'] }, 'PUBLISHED', true],
    ['text', { in: ['PUBLISHED', 'X', 'Y', 'Z'] }, 'PENDING', false],
    ['text', { in: ['PUBLISHED', 'X', 'Y', 'Z'] }, null, false],
    ['text', { in: [] }, 'PUBLISHED', false],
    ['text', { in: [] }, null, false],
    ['integer', { in: [null, 1] }, null, true],
    ['integer', { in: [null, 1] }, '1', true],
    ['integer', { in: [null, 1] }, '2', false],
    ['numeric', { in: [1, 2] }, '2.0', true],
  ],
  'not_in is the negation of in': [
    ['text', { not_in: ['X', 'Y'] }, 'X', false],
    ['text', { not_in: ['X', 'Y'] }, 'Z', true],
    ['text', { not_in: ['X', 'Y'] }, null, true],
    ['text', { not_in: ['X', null] }, null, false],
    ['text', { not_in: [] }, 'X', true],
  ],
  'is and is_not know no truthiness': [
    ['integer', { is: null }, null, true],
    ['integer', { is: null }, '0', false],
    ['text', { is: null }, '', false],
    ['integer', { is_not: null }, null, false],
    ['integer', { is_not: null }, '0', true],
    ['boolean', { is: true }, 't', true],
    ['integer', { is: true }, '1', false],
    ['integer', { is_not: true }, '1', true],
    ['integer', { is: false }, '0', false],
    ['integer', { is: false }, null, false],
    ['integer', { is: 1 }, '1', true],
  ],
  'contains looks for a substring, with regard to case': [
    ['text', { contains: '_' }, 'the_quick', true],
    ['text', { contains: '_' }, 'the!quick', false],
    ['text', { contains: '_' }, null, false],
    ['text', { contains: '' }, 'the_quick', true],
    ['text', { contains: '' }, null, false],
    ['text', { contains: 'AB' }, 'xab', false],
    ['integer', { contains: 23 }, '1234', true],
  ],
  'startswith and endswith compare text, and the text form of other types': [
    ['text', { startswith: '_' }, '_the_quick', true],
    ['text', { startswith: '_' }, '!the!quick', false],
    ['text', { startswith: '_' }, null, false],
    ['integer', { startswith: 12 }, '1234', true],
    ['integer', { startswith: '12' }, '1234', true],
    ['integer', { startswith: '2' }, '1234', false],
    ['timestamp with time zone', { startswith: '2026-01' }, '2026-01-13 23:12:52.205785+00', true],
    ['text', { endswith: '_' }, 'the_quick_', true],
    ['text', { endswith: '_' }, 'the!quick!', false],
    ['text', { endswith: '_' }, null, false],
    ['text', { startswith: 'é' }, 'étude', true],
    ['text', { startswith: 'é' }, 'e\u0301tude', false],
  ],
  'a list for startswith and endswith means any of its texts': [
    ['text', { startswith: ['a', 'b'] }, 'bee', true],
    ['text', { startswith: ['a', 'b'] }, 'cow', false],
    ['text', { endswith: ['a', 'e'] }, 'bee', true],
    ['integer', { endswith: [4, '5'] }, '1234', true],
  ],
  'regex searches anywhere, with regard to case': [
    ['text', { regex: 'Constanza' }, 'George Constanza', true],
    ['text', { regex: 'Seinfeld' }, 'George Constanza', false],
    ['text', { regex: '^G.*a$' }, 'George Constanza', true],
    ['text', { regex: 'constanza' }, 'George Constanza', false],
    ['text', { regex: '(?i)constanza' }, 'George Constanza', true],
    ['text', { regex: 'Constanza' }, null, false],
    ['integer', { regex: '^1' }, '1234', true],
  ],
  'any: true holds for every value, NULL too': [
    ['integer', { any: true }, '0', true],
    ['integer', { any: true }, null, true],
    ['integer', { any: true }, undefined, true],
  ],
  'truthy and falsy: NULL, false, zero, the empty text and the empty array are falsy': [
    ['integer', { truthy: true }, '1', true],
    ['integer', { truthy: true }, '-1', true],
    ['integer', { truthy: true }, null, false],
    ['numeric', { truthy: true }, '0.00', false],
    ['numeric', { truthy: true }, '0.01', true],
    ['numeric', { truthy: true }, 'NaN', true],
    ['numeric', { truthy: true }, 'Infinity', true],
    ['double precision', { truthy: true }, '-0', false],
    ['double precision', { truthy: true }, '0e+00', false],
    ['double precision', { truthy: true }, '1e-300', true],
    ['text', { truthy: true }, '0', true],
    ['text', { truthy: true }, 'false', true],
    ['text', { truthy: true }, '', false],
    ['character(10)', { truthy: true }, '          ', false],
    ['integer[]', { truthy: true }, '{}', false],
    ['integer[]', { truthy: true }, '{0}', true],
    ['boolean', { falsy: true }, 'f', true],
    ['boolean', { falsy: true }, 't', false],
    ['text', { falsy: true }, '', true],
    ['text', { falsy: true }, null, true],
    ['text', { falsy: true }, 'x', false],
  ],
  'several operators below one field must all hold': [
    ['integer', { gte: 10, lt: 20 }, '15', true],
    ['integer', { gte: 10, lt: 20 }, '20', false],
    ['integer', { gte: 10, lt: 20 }, '9', false],
  ],
}

describe.each(Object.entries(EXAMPLES))('%s', (_behaviour, examples) => {
  test.each(examples)('%s column, %o, value %j: %s', (type, condition, cell, expected) => {
    expect(holds(type, condition, cell)).toBe(expected)
  })
})
