import { expect, test } from 'vitest'
import { comparePositions, formatPosition, parsePosition } from '../../../src/replication/position.ts'

test('prints and reads the same position', () => {
  const position = { commitLsn: 0x16_b374_d848n, lsn: 0x16_b374_d7f0n, ordinal: 12 }
  expect(formatPosition(position)).toBe('16/B374D848 16/B374D7F0 12')
  expect(parsePosition('16/B374D848 16/B374D7F0 12')).toEqual(position)
})

test.each(['', '0/1', '0/1 0/2', '0/1 0/2 x', '0/1 0/2 -1', '0/1 0/2 3 4', '1 2 3'])('refuses %j', (text) => {
  expect(() => parsePosition(text)).toThrow(TypeError)
})

test.each([
  ['0/2 0/1 0', '0/1 0/9 9'],
  ['0/1 0/A 0', '0/1 0/9 9'],
  ['0/1 1/0 0', '0/1 0/FFFFFFFF 0'],
  ['0/1 0/1 10', '0/1 0/1 9'],
])('%s comes after %s', (later, earlier) => {
  const [a, b] = [parsePosition(later), parsePosition(earlier)]
  expect(comparePositions(a, b)).toBeGreaterThan(0)
  expect(comparePositions(b, a)).toBeLessThan(0)
  expect(comparePositions(a, a)).toBe(0)
})
