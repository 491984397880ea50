import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LanePace } from '../../../src/delivery/lane-pace.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** When requests start in `ms`, if the lane always has one more to send. */
async function starts(pace: LanePace, ms: number): Promise<number[]> {
  const begin = Date.now()
  const times: number[] = []
  const push = (): void => {
    while (!pace.isFull && Date.now() - begin <= ms) pace.start(async () => void times.push(Date.now() - begin))
  }
  for (push(); Date.now() - begin < ms; push()) await vi.advanceTimersByTimeAsync(1)
  return times
}

describe('a rate is kept', () => {
  test.each([0.5, 1, 7, 10, 15, 99, 250])('of %d a second over any second, and used', async (rateLimit) => {
    const times = await starts(new LanePace(rateLimit, () => undefined), 4000)
    const most = Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 1000).length))
    expect(most).toBeLessThanOrEqual(Math.ceil(rateLimit * 1.1))
    expect(times.length).toBeGreaterThanOrEqual(Math.floor(rateLimit * 4 * 0.9))
  })

  test('also over a time without anything to send', async () => {
    const pace = new LanePace(0.1, () => undefined)
    expect(await starts(pace, 1)).toEqual([0])
    await vi.advanceTimersByTimeAsync(5000)
    expect(pace.isFull).toBe(true)
    await vi.advanceTimersByTimeAsync(5000)
    expect(pace.isFull).toBe(false)
  })
})

test.each([null, 1e6, Infinity])('without a limit (%o) everything starts at once', (rateLimit) => {
  const pace = new LanePace(rateLimit, () => undefined)
  let started = 0
  for (let n = 0; n < 1000; n++) pace.start(async () => void started++)
  expect([started, pace.isFull, pace.isLimited]).toEqual([1000, false, false])
})

test('the slowest rate that a number can say is bearable', () => {
  expect(new LanePace(1e-12, () => undefined).isLimited).toBe(true)
})

test('a new rate takes effect for the next request', async () => {
  const pace = new LanePace(0.1, () => undefined)
  await starts(pace, 1)
  pace.set(null)
  expect(pace.isFull).toBe(false)
})

test('tells when one that had to wait has started', async () => {
  let resumed = 0
  const pace = new LanePace(10, () => resumed++)
  for (let n = 0; n < 2; n++) pace.start(() => Promise.resolve())
  const before = resumed
  await vi.advanceTimersByTimeAsync(100)
  expect(resumed).toBe(before + 1)
})
