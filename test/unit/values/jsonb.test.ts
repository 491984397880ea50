import { expect, test } from 'vitest'
import { compactJsonb, normaliseJsonb, quoteJson } from '../../../src/values/jsonb.ts'

// Right-hand sides are what `select $1::json::jsonb` prints, without the white space.
test.each([
  ['{"b":1,"a":2}', '{"a":2,"b":1}'],
  ['{"a":1,"a":2}', '{"a":2}'],
  ['{"a":{"x":1},"a":2,"a":[3]}', '{"a":[3]}'],
  ['{"aa":1,"b":2,"":3}', '{"":3,"b":2,"aa":1}'],
  ['{"é":1,"zz":2,"z":3}', '{"z":3,"zz":2,"é":1}'],
  ['{"\uffff":1,"\u{1f600}":2,"abc":3}', '{"abc":3,"\uffff":1,"\u{1f600}":2}'],
  ['{"\\u0061":1,"a":2}', '{"a":2}'],
  ['[3, 2, 1]', '[3,2,1]'],
  [
    '[-0, -0.0, 1.50e1, 1e5, 1E+5, 1.0e-3, 0e3, 0.00e1, -0e-3, 100e-2]',
    '[0,0.0,15.0,100000,100000,0.0010,0,0.0,0.000,1.00]',
  ],
  ['-12.50', '-12.50'],
  ['-1.5e-2', '-0.015'],
  ['123456789012345678901234567890', '123456789012345678901234567890'],
  ['"\\u00e9\\/\\u001F\\u007f"', '"é/\\u001f\u007f"'],
  [' {"a" : [ true , null ] } ', '{"a":[true,null]}'],
])('%s becomes %s', (json, jsonb) => {
  expect(normaliseJsonb(json)).toBe(jsonb)
})

test.each([
  ['"\\u0000"', 'holds \\u0000'],
  ['1e131072', 'beyond the limits of numeric'],
  ['1e-16384', 'beyond the limits of numeric'],
  ['[1e999999999999]', 'beyond the limits of numeric'],
  [`0.${'0'.repeat(16_384)}`, 'beyond the limits of numeric'],
  ['{', 'malformed'],
])('%s is refused, as the cast to jsonb refuses it', (json, reason) => {
  expect(() => normaliseJsonb(json)).toThrow(reason)
})

test('deep nesting is no danger', () => {
  const deep = '['.repeat(10_000) + ']'.repeat(10_000)

  expect(normaliseJsonb(deep)).toBe(deep)
})

test.each([
  ['{"a": 1, "b": [1, 2, {"c": null}]}', '{"a":1,"b":[1,2,{"c":null}]}'],
  ['{"a b": " , : ", "c": "\\" \\\\"}', '{"a b":" , : ","c":"\\" \\\\"}'],
  ['" x "', '" x "'],
  ['[]', '[]'],
  ['[1, 2, 3]', '[1,2,3]'],
  ['["x y", 1, 2]', '["x y",1,2]'],
])('the jsonb text %s is compacted to %s', (text, compact) => {
  expect(compactJsonb(text)).toBe(compact)
})

test('a long jsonb text is compacted in linear time', () => {
  const numbers = Array.from({ length: 200_000 }, (_, i) => i)
  const start = performance.now()

  expect(compactJsonb(`[${numbers.join(', ')}]`)).toBe(`[${numbers.join(',')}]`)
  expect(performance.now() - start).toBeLessThan(2_000)
})

test.each([
  ['', '""'],
  ['plain é \u2028 \u007f', '"plain é \u2028 \u007f"'],
  ['"\\/\b\f\n\r\t\u0001', '"\\"\\\\/\\b\\f\\n\\r\\t\\u0001"'],
])('the text %j is quoted as Postgres quotes it', (text, json) => {
  expect(quoteJson(text)).toBe(json)
})
