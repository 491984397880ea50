import { describe, expect, test } from 'vitest'
import { jsonAt, jsonEquals, jsonMembers } from '../../../src/matching/json-path.ts'
import { parseJson, stringifyJson } from '../../../src/values/json.ts'

const DOCUMENT = String.raw` { "a" : { "b" : [ 1.50, { "c d" : "x\"y\\" }, [ ], "]}," ] , "e" : null } ,
  "quo\"te" : true , "dot.ted" : -1e400 , "tw\u0069ce" : 1 , "twice" : 2 , "" : { "z" : 0 } } `

test.each<[string[], string]>([
  [['a', 'b', '0'], '1.50'],
  [['a', 'b', '1', 'c d'], String.raw`"x\"y\\"`],
  [['a', 'b', '2'], '[]'],
  [['a', 'b', '3'], '"]},"'],
  [['a', 'b', '4'], 'null'],
  [['a', 'b', '-1'], 'null'],
  [['a', 'b', 'x'], 'null'],
  [['a', 'b', '2', '0'], 'null'],
  [['a', 'e'], 'null'],
  [['a', 'e', 'f'], 'null'],
  [['a'], String.raw`{"b":[1.50,{"c d":"x\"y\\"},[],"]},"],"e":null}`],
  [['quo"te'], 'true'],
  [['dot.ted'], '-1e400'],
  [['twice'], '2'],
  [['', 'z'], '0'],
  [['missing'], 'null'],
  [['__proto__'], 'null'],
])('%j leads to %s', (path, expected) => {
  expect(stringifyJson(jsonAt(DOCUMENT, path))).toBe(expected)
})

test.each(['1', '"a"', 'null', '[]', '{}', ' true '])('no path leads into %s', (text) => {
  expect(jsonAt(text, ['a'])).toBeNull()
  expect(jsonAt(text, ['0'])).toBeNull()
})

test('every path leads where parsing the whole document leads', () => {
  const leaves = ['1', '-0.10', '"a,b"', String.raw`"\"}"`, 'true', 'null', '[]', '{}', '[[1],[2,3]]']
  const objects = leaves.map((leaf, index) => `{"k${index}": ${leaf} ,"list": [${leaves.join(' , ')}]}`)
  const text = `{"x":[${objects.join(',')}]}`
  for (const index of leaves.keys()) {
    const leaf = stringifyJson(parseJson(leaves[index] ?? ''))
    expect(stringifyJson(jsonAt(text, ['x', String(index), `k${index}`]))).toBe(leaf)
    for (const at of leaves.keys()) {
      const item = stringifyJson(parseJson(leaves[at] ?? ''))
      expect(stringifyJson(jsonAt(text, ['x', String(index), 'list', String(at)]))).toBe(item)
    }
  }
})

test('the members of an object keep the text of their values', () => {
  expect([...jsonMembers('{"a": 1.50, "b" : {"c": [1, 2]} ,"a":"x"}')]).toEqual([
    ['a', '"x"'],
    ['b', '{"c": [1, 2]}'],
  ])
  expect([...jsonMembers('{}')]).toEqual([])
  expect([...jsonMembers('[1]')]).toEqual([])
  expect([...jsonMembers('null')]).toEqual([])
})

describe('equality', () => {
  test.each([
    ['1', '1.0', true],
    ['1e2', '100', true],
    ['12345678901234567890', '12345678901234567891', false],
    ['1', '"1"', false],
    ['"a"', '"a"', true],
    ['true', '1', false],
    ['null', 'null', true],
    ['null', 'false', false],
    ['[]', '{}', false],
    ['[1,2]', '[1,2]', true],
    ['[1,2]', '[2,1]', false],
    ['[1]', '[1,2]', false],
    ['{"a":1,"b":2}', '{"b":2.0,"a":1}', true],
    ['{"a":1}', '{"a":1,"b":null}', false],
    ['{"a":null}', '{"b":null}', false],
    ['{"a":{"b":[1,{"c":2}]}}', '{"a":{"b":[1,{"c":2}]}}', true],
  ])('of %s and %s: %s', (a, b, expected) => {
    expect(jsonEquals(parseJson(a), parseJson(b))).toBe(expected)
    expect(jsonEquals(parseJson(b), parseJson(a))).toBe(expected)
  })
})
