import { expect, test } from 'vitest'
import { parseInterval } from '../../../src/subscriptions/interval.ts'

test.each([
  ['00:00:00', 0],
  ['00:00:15', 15_000],
  ['00:00:00.25', 250],
  ['-00:00:01.5', -1500],
  ['27:00:00', 97_200_000],
  ['1 day', 86_400_000],
  ['1 day 00:00:01.5', 86_401_500],
  ['2 days -01:00:00', 169_200_000],
  ['-1 days +02:03:00', -79_020_000],
  ['1 mon', 2_592_000_000],
  ['1 year 2 mons 3 days 04:05:06', 37_015_506_000],
])('%s is %d ms', (text, ms) => {
  expect(parseInterval(text)).toBe(ms)
})

test.each(['', ' ', 'infinity', '15', 'PT15S', '1 day 2 fortnights', '00:15'])('refuses %j', (text) => {
  expect(() => parseInterval(text)).toThrow(`the interval "${text}" cannot be read`)
})
