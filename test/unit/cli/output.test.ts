import { expect, test } from 'vitest'
import { formatAge, formatBytes, formatTime } from '../../../src/cli/age.ts'
import { layoutJson } from '../../../src/cli/layout-json.ts'
import { formatFacts, formatTable, shorten } from '../../../src/cli/table.ts'

test('a table aligns its columns, numbers to the right, and says none without rows', () => {
  const rows = [
    { event: 'article.created', attempts: 3, error: null },
    { event: 'é', attempts: 12, error: 'timeout' },
  ]
  expect(formatTable(rows)).toBe(
    'event            attempts  error\n' + 'article.created         3  -\n' + 'é                      12  timeout\n',
  )
  expect(formatTable([])).toBe('none\n')
})

test('what a terminal would obey is not passed on to it', () => {
  expect(formatTable([{ error: '\u001b[2Jgone\n' }])).toBe('error\n�[2Jgone�\n')
})

test('facts leave out what is not known', () => {
  expect(formatFacts({ slot: 'hookd', lag: null, 'WAL kept': 3 })).toBe('slot      hookd\nWAL kept  3\n')
})

test.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['🙂🙂🙂', 2, '🙂…'],
])('%s shortened to %i characters is %s', (text, most, short) => {
  expect(shorten(text, most)).toBe(short)
})

test.each([
  [-0.2, '0s'],
  [59, '59s'],
  [60, '1m'],
  [3 * 3600 + 59, '3h'],
  [9 * 86_400, '9d'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatAge(seconds)).toBe(text)
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [5 * 1024 ** 3, '5.0 GiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('times are shown in UTC', () => {
  expect(formatTime(new Date('2026-01-13T23:12:52.205Z'))).toBe('2026-01-13 23:12:52')
})

test.each([
  ['{}', 10, '{}'],
  ['[1,2]', 10, '[1, 2]'],
  ['{"n":1.10,"big":12345678901234567890}', 80, '{ "n": 1.10, "big": 12345678901234567890 }'],
  ['{"a":{"b":"x, y: {"},"c":[]}', 14, '{\n  "a": {\n    "b": "x, y: {"\n  },\n  "c": []\n}'],
  ['{"a":1,"b":2,"c":3}', 18, '{\n  "a": 1, "b": 2,\n  "c": 3\n}'],
  ['{"a":1,"a":2}', 80, '{ "a": 1, "a": 2 }'],
  ['"text"', 3, '"text"'],
  ['event=a&data%5Bb%5D=c', 5, 'event=a&data%5Bb%5D=c'],
])('%s is laid out in %i columns', (json, width, expected) => {
  expect(layoutJson(json, width)).toBe(expected)
})
