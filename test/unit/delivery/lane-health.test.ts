import { describe, expect, test } from 'vitest'
import { LaneHealth } from '../../../src/delivery/lane-health.ts'

const STEP_MS = 1000
const DAY_MS = 24 * 3_600_000

/** `f` a failure at the time so far, `s` a success, `+500` lets time pass. */
function play(health: LaneHealth, script: string, start = 0): number {
  let now = start
  for (const step of script.split(' ')) {
    if (step === 'f') health.failure(now, { stepMs: STEP_MS, isFirst: true })
    else if (step === 's') health.success()
    else now += Number(step)
  }
  return now
}

describe('a lane dares', () => {
  test.each<[string, string, { window: number; probeAt: number }]>([
    ['everything at first', '+0', { window: 8, probeAt: 0 }],
    ['everything after four failures', 'f f f f', { window: 8, probeAt: 0 }],
    ['one canary after five failures in a row', 'f f f f f', { window: 1, probeAt: 1000 }],
    ['everything where a success came between', 'f f f f s f f f f', { window: 8, probeAt: 0 }],
    [
      'no later canary for what was in flight when the outage began',
      'f f f f f +100 f f f',
      { window: 1, probeAt: 1000 },
    ],
    ['canaries twice as far apart after each that failed', 'f f f f f +1000 f +2000 f', { window: 1, probeAt: 7000 }],
    ['a canary a minute at least', `f f f f f${' +60000 f'.repeat(20)}`, { window: 1, probeAt: 1_260_000 }],
    ['two after the canary that succeeded', 'f f f f f +1000 s', { window: 2, probeAt: 0 }],
    ['everything after three more', 'f f f f f +1000 s s s', { window: 8, probeAt: 0 }],
    ['a short first wait in the next outage', 'f f f f f +1000 f +9000 s f f f f f', { window: 1, probeAt: 11_000 }],
  ])('%s', (_, script, expected) => {
    const health = new LaneHealth(8)
    play(health, script)
    expect({ window: health.window, probeAt: health.probeAt }).toEqual(expected)
  })

  test('at once as much as the new concurrency allows, if it is well', () => {
    const health = new LaneHealth(1)
    health.concurrency = 5
    expect(health.window).toBe(5)
  })

  test('no more than one in an outage, whatever the new concurrency is', () => {
    const health = new LaneHealth(1)
    play(health, 'f f f f f')
    health.concurrency = 5
    expect([health.window, health.isWell]).toEqual([1, false])
    health.reset()
    expect([health.window, health.isWell, health.inOutage, health.failures]).toEqual([5, true, false, 0])
  })
})

describe('a lane is hopeless', () => {
  test.each<[string, string, boolean]>([
    ['after five days without a success and ten failed messages', `${'f '.repeat(9)}+${5 * DAY_MS} f`, true],
    ['not before', `${'f '.repeat(9)}+${5 * DAY_MS - 1} f`, false],
    ['not with fewer messages', `${'f '.repeat(8)}+${5 * DAY_MS} f`, false],
    ['not if one succeeded meanwhile', `${'f '.repeat(9)}+${3 * DAY_MS} s f +${3 * DAY_MS} f`, false],
  ])('%s', (_, script, isHopeless) => {
    const health = new LaneHealth(8)
    const now = play(health, script)
    expect(health.isHopeless(now)).toBe(isHopeless)
  })

  test('not by the retries of one message', () => {
    const health = new LaneHealth(8)
    for (let n = 0; n < 30; n++) health.failure(n * DAY_MS, { stepMs: STEP_MS, isFirst: n === 0 })
    expect(health.isHopeless(30 * DAY_MS)).toBe(false)
  })
})
