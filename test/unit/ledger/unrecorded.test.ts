import { describe, expect, test } from 'vitest'
import { Unrecorded } from '../../../src/ledger/unrecorded.ts'

function answered(count: number, atMs: number, unrecorded = new Unrecorded()): Unrecorded {
  for (let n = 0; n < count; n++) unrecorded.add(atMs)
  return unrecorded
}

describe('what was answered and is not recorded is too much', () => {
  test('from 200 on, once the oldest was answered 100 ms ago', () => {
    expect(answered(199, 0).isTooMuch(10_000)).toBe(false)
    expect(answered(200, 0).isTooMuch(100)).toBe(false)
    expect(answered(200, 0).isTooMuch(101)).toBe(true)
  })

  test('also while it is being written', () => {
    const unrecorded = answered(150, 0)
    unrecorded.take(0, 10)
    expect(answered(50, 20, unrecorded).isTooMuch(200)).toBe(true)
  })

  test('no more when it is durable; what came meanwhile counts from when the writing began', () => {
    const unrecorded = answered(500, 0)
    unrecorded.take(0, 1000)
    answered(300, 1010, unrecorded)
    unrecorded.recorded()
    expect(unrecorded.isTooMuch(1100)).toBe(false)
    expect(unrecorded.isTooMuch(1101)).toBe(true)
  })

  test('still, where a batch could not take all of it', () => {
    const unrecorded = answered(1300, 0)
    unrecorded.take(300, 10)
    unrecorded.recorded()
    expect(unrecorded.isTooMuch(500)).toBe(true)
    unrecorded.take(0, 500)
    unrecorded.recorded()
    expect(unrecorded.isTooMuch(10_000)).toBe(false)
  })
})
