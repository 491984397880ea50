import { expect, test } from 'vitest'
import { parseTime, parseTimestamp } from '../../../src/matching/instant.ts'

const DAY = 86_400_000_000n

test.each<[string, bigint]>([
  ['1970-01-01', 0n],
  ['1970-01-02 00:00:00+00', DAY],
  ['1969-12-31T23:59:59.999999Z', -1n],
  ['1970-01-01 01:00:00+01', 0n],
  ['1970-01-01T00:00-00:30', 1_800_000_000n],
  ['1970-01-01 00:00:00+00:00:30', -30_000_000n],
  ['1970-01-01 00:00:00.1', 100_000n],
  ['1970-01-01 00:00:00.1234567', 123_457n],
  ['1970-01-01 00:00:60', 60_000_000n],
  ['1970-01-01 24:00', DAY],
  ['2000-02-29', 11_016n * DAY],
  ['0001-01-01', -719_162n * DAY],
  ['0001-12-31 BC', -719_163n * DAY],
  ['4714-11-24 00:00:00+00 BC', -2_440_588n * DAY],
  ['10000-01-01', 2_932_897n * DAY],
])('%s is %s microseconds after 1970', (text, expected) => {
  expect(parseTimestamp(text)).toBe(expected)
})

test('agrees with Date on every day of four centuries', () => {
  const start = Date.UTC(1800, 0, 1)
  const wrong: string[] = []
  for (let day = 0; day < 146_097; day += 1) {
    const date = new Date(start + day * 86_400_000)
    const text = date.toISOString().slice(0, 10)
    if (parseTimestamp(text) !== BigInt(date.getTime()) * 1000n) wrong.push(text)
  }
  expect(wrong).toEqual([])
})

test.each([
  '',
  'now',
  '2026',
  '2026-1-1',
  '2026-00-01',
  '2026-13-01',
  '2026-02-29',
  '2100-02-29',
  '2026-01-01T25:00',
  '2026-01-01T10:60',
  '2026-01-01T10',
  '2026-01-01 10:00 CET',
  '10:00',
  '13/01/2026',
])('%j is no time stamp', (text) => {
  expect(parseTimestamp(text)).toBeUndefined()
})

test.each<[string, bigint | undefined]>([
  ['00:00', 0n],
  ['09:30:00', 34_200_000_000n],
  ['01:00:00+01', 0n],
  ['24:00:00', DAY],
  ['23:59:59.999999', DAY - 1n],
  ['24:61', undefined],
  ['2026-01-01', undefined],
  ['noon', undefined],
])('the time of day %s is %s microseconds after midnight', (text, expected) => {
  expect(parseTime(text)).toBe(expected)
})
