import { describe, expect, test } from 'vitest'
import { compareNumeric, isNumericText, plainNumeric } from '../../../src/values/decimal.ts'

/** Each line holds equal numbers and is less than the next. */
const ORDER = [
  ['-Infinity', '-infinity', '-inf'],
  ['-1e400', `-1${'0'.repeat(400)}`],
  ['-12345678901234567890.2'],
  ['-12345678901234567890.1'],
  ['-2'],
  ['-1.01'],
  ['-1', '-1.000', '-10e-1', '-0.1E1'],
  ['-1e-400'],
  ['0', '-0', '0.000', '-0.0', '0e99', '+0', '.0', '0.'],
  ['1e-16383'],
  ['0.0999999999999999999999'],
  ['0.1', '.1', '1e-1', '00.10', '+0.1'],
  ['1', '1.', '1.0', '+1', '01', '1e0', '100E-2'],
  ['9'],
  ['10', '1e1', '1E+1'],
  ['9007199254740992'],
  ['9007199254740993', '9007199254740993.0', '0.9007199254740993e16'],
  ['9223372036854775807'],
  ['9223372036854775808'],
  ['1e131071'],
  ['Infinity', '+infinity', 'inf'],
  ['NaN', 'nan'],
]

describe('comparing numbers', () => {
  const numbers = ORDER.flatMap((line, rank) => line.map((text) => ({ text, rank })))

  test.each(numbers)('$text has its place in the order of numeric', ({ text, rank }) => {
    const order = numbers.map((other) => [other.text, Math.sign(compareNumeric(text, other.text))])

    expect(order).toEqual(numbers.map((other) => [other.text, Math.sign(rank - other.rank)]))
  })

  test('long runs of zeros take linear time', () => {
    const start = performance.now()

    expect(compareNumeric(`1${'0'.repeat(131_000)}1`, `1${'0'.repeat(131_000)}2`)).toBeLessThan(0)
    expect(performance.now() - start).toBeLessThan(500)
  })

  test.each(['', '.', '-', 'e5', '1e', '1.2.3', '0x10', ' 1', '1 ', '1,5', 'infinite', 'true'])(
    '%j is not a number',
    (text) => {
      expect(isNumericText(text)).toBe(false)
      expect(() => compareNumeric(text, '1')).toThrow(TypeError)
      expect(() => compareNumeric(text, text)).toThrow(TypeError)
      expect(() => compareNumeric('NaN', text)).toThrow(TypeError)
    },
  )
})

// As `select $1::numeric` prints them.
test.each([
  ['0', '0'],
  ['-0', '0'],
  ['-0.00', '0.00'],
  ['1e5', '100000'],
  ['1.50e1', '15.0'],
  ['-1.5e3', '-1500'],
  ['1e-07', '0.0000001'],
  ['1.25e-2', '0.0125'],
  ['0.001e2', '0.1'],
  ['0e-3', '0.000'],
  ['12.5e0', '12.5'],
  ['-12.5', '-12.5'],
  ['1.7976931348623157e+308', `17976931348623157${'0'.repeat(292)}`],
])('%s is printed plainly as %s', (text, plain) => {
  expect(plainNumeric(text)).toBe(plain)
})

test.each(['1e131072', '10e131071', '1e-16384', '0e-16384', '1e99999999999999999999', `1${'0'.repeat(131_072)}`])(
  'a number as large as %s is refused, as numeric refuses it',
  (text) => {
    expect(() => plainNumeric(text)).toThrow('beyond the limits of numeric')
  },
)
