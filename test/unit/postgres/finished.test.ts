import { expect, test } from 'vitest'
import { parseFinished } from '../../../src/postgres/finished.ts'

const ended = (snapshot: string, ...xids: number[]): number[] => xids.filter(parseFinished(snapshot))

test('every transaction before the end of a snapshot has ended, but for those it lists', () => {
  expect(ended('10:20:12,15', 3, 11, 12, 13, 15, 19, 20, 21)).toEqual([3, 11, 13, 19])
  expect(ended('20:20:', 19, 20)).toEqual([19])
})

test('what the stream counts in 32 bits is compared beyond their end', () => {
  const snapshot = '4294967290:4294967300:4294967295,4294967298' // its end is 4 of the next round
  expect(ended(snapshot, 4_294_967_290, 4_294_967_295, 0, 2, 3, 4, 5)).toEqual([4_294_967_290, 0, 3])
})
