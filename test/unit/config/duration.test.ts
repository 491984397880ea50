import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/config/duration.ts'
import { formatSize, parseSize } from '../../../src/config/size.ts'

test.each([
  ['500ms', 500],
  ['5s', 5000],
  ['1m', 60_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['0s', 0],
  ['1.5h', 5_400_000],
  ['1h30m', 5_400_000],
  ['0.1ms', 0],
])('the duration %s is %d ms', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds)
})

test.each(['', '5', '5 s', 's', '-5s', '5S', '1w', '1h 30m', '5sec', '1e3s', '.5s', '99999999999999999d'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeNull()
  },
)

test.each([
  [0, '0s'],
  [500, '500ms'],
  [15_000, '15s'],
  [90_000, '1m30s'],
  [604_800_000, '7d'],
  [86_400_001, '1d1ms'],
])('%d ms are written %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text)
  expect(parseDuration(text)).toBe(milliseconds)
})

test.each([
  ['262144', 262_144],
  ['0', 0],
  ['10B', 10],
  ['1kB', 1000],
  ['1KiB', 1024],
  ['512kib', 524_288],
  ['1MiB', 1_048_576],
  ['1.5 MB', 1_500_000],
  ['1GiB', 1_073_741_824],
])('the size %s is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

test.each(['', 'MiB', '-1', '1TB', '1 constructor', '1e6', '1,5MB', '99999999999999GiB'])('%j is no size', (text) => {
  expect(parseSize(text)).toBeNull()
})

test.each([
  [1_048_576, '1MiB'],
  [1_073_741_824, '1GiB'],
  [1536, '1536B'],
  [2048, '2KiB'],
  [0, '0B'],
])('%d bytes are written %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text)
  expect(parseSize(text)).toBe(bytes)
})
