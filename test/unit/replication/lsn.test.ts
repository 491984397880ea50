import { expect, test } from 'vitest'
import { formatLsn, LsnPrinter, parseLsn } from '../../../src/replication/lsn.ts'

test.each([
  [0n, '0/0'],
  [0x16_b374_d848n, '16/B374D848'],
  [0xff_0000_000an, 'FF/A'],
  [0xffff_ffff_ffff_ffffn, 'FFFFFFFF/FFFFFFFF'],
])('%d is printed as %s, and read as that', (lsn, text) => {
  expect(formatLsn(lsn)).toBe(text)
  expect(parseLsn(text)).toBe(lsn)
})

test('halves are printed as the whole is, also when the upper one changes', () => {
  const printer = new LsnPrinter()
  const lsns = [
    0n,
    0x5n,
    0xabcdn,
    0x1_0000n,
    0x1_0a0bn,
    0x100_0000n,
    0xffff_ffffn,
    0x1_0000_0000n,
    0x16_b374_d848n,
    0x16_b374_d849n,
    0x1_0000_0000n,
  ]
  const halves = lsns.map((lsn) => printer.print(Number(lsn >> 32n), Number(lsn & 0xffff_ffffn)))
  expect(halves).toEqual(lsns.map(formatLsn))
})

test.each(['', '16', '16/', '/16', '16/B374D8480', 'g/0', '0/0 '])('%j is no LSN', (text) => {
  expect(() => parseLsn(text)).toThrow(TypeError)
})
