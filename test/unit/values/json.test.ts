import { describe, expect, test } from 'vitest'
import { foldJson, JsonNumber, JsonObject, parseJson, stringifyJson } from '../../../src/values/json.ts'

describe('parsed and printed again', () => {
  test.each([
    ['null', 'null'],
    [' true ', 'true'],
    ['"a\\u00e9\\/\\n"', '"aé/\\n"'],
    ['123456789012345678901234567890.10', '123456789012345678901234567890.10'],
    ['1E+400', '1E+400'],
    ['-0.0', '-0.0'],
    ['[ ]', '[]'],
    ['{ }', '{}'],
    ['[1 , [2,\t[3]] ,\n4]', '[1,[2,[3]],4]'],
    ['{"b":1,"a":{"c":[]},"b":2,"":null}', '{"b":1,"a":{"c":[]},"b":2,"":null}'],
    ['"\\\\"', '"\\\\"'],
    ['["\\\\\\"]","]"]', '["\\\\\\"]","]"]'],
    ['"\u2028\u{1f389}"', '"\u2028\u{1f389}"'],
  ])('%s stays the same, but for white space and needless escapes', (text, printed) => {
    expect(stringifyJson(parseJson(text))).toBe(printed)
  })
})

test('a tree tells numbers from texts and keeps duplicate keys', () => {
  const value = parseJson('{"n":1.50,"s":"1.50","n":[true]}') as JsonObject

  expect(value.entries).toEqual([
    ['n', new JsonNumber('1.50')],
    ['s', '1.50'],
    ['n', [true]],
  ])
  expect(value.get('n')).toEqual([true])
  expect(value.get('missing')).toBeUndefined()
})

test.each([
  '',
  ' ',
  '{',
  '[1',
  '[1,]',
  '[1 2]',
  '{"a"}',
  '{"a":1,}',
  '{a:1}',
  '{"a":1]',
  '[1}',
  '01',
  '1.',
  '-',
  'nul',
  'nulll',
  '"a',
  '"\\x"',
  '"\\"',
  '1 1',
  ']',
  '\u00a01',
])('%j is refused as malformed', (text) => {
  expect(() => parseJson(text)).toThrow('is malformed JSON')
})

test.each([
  ['"a\\u0000"', 'holds \\u0000'],
  ['{"\\u0000":1}', 'holds \\u0000'],
  ['"\\ud800"', 'half of a surrogate pair'],
  ['"\\udc00x"', 'half of a surrogate pair'],
])('%s is refused, as jsonb refuses it', (text, reason) => {
  expect(() => parseJson(text)).toThrow(reason)
})

test('a tree is 1,000 levels deep at most', () => {
  const nested = (depth: number) => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2)

  expect(stringifyJson(parseJson(nested(1_000)))).toBe(nested(1_000))
  expect(() => parseJson(nested(1_002))).toThrow('nested more than 1000 levels deep')
})

test('a fold has no limit of depth', () => {
  const depth = 200_000
  const levels = foldJson<number>('['.repeat(depth) + ']'.repeat(depth), {
    literal: () => 0,
    number: () => 0,
    string: () => 0,
    array: ([inner = 0]) => inner + 1,
    object: () => 0,
  })

  expect(levels).toBe(depth)
})
