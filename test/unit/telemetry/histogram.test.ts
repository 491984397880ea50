import { Histogram as Reference, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { Histogram } from '../../../src/telemetry/histogram.ts'

const BOUNDS = [0.001, 0.5, 1, 10]
const VALUES = [0, 0.001, 0.0011, 0.5, 0.7, 1, 9.99, 10, 10.01, 4000]

/** What both print for the same values. */
async function printed(label: string | null, observations: readonly (readonly [value: number, label: string])[]) {
  const options = { name: 'taken_seconds', help: 'How long it took.' }
  const registers = [new Registry(), new Registry()] as const
  const own = new Histogram({ ...options, label, bounds: BOUNDS })
  registers[0].registerMetric(own.metric)
  const labelNames = label === null ? [] : [label]
  const reference = new Reference({ ...options, labelNames, buckets: BOUNDS, registers: [registers[1]] })
  for (const [value, name] of observations) {
    own.observe(value, label === null ? undefined : name)
    if (label === null) reference.observe(value)
    else reference.observe({ [label]: name }, value)
  }
  return Promise.all(registers.map((registry) => registry.metrics()))
}

test.each([
  ['without a label', null, VALUES.map((value) => [value, ''] as const)],
  ['without a label and a value', null, []],
  ['by label', 'class', VALUES.flatMap((value) => [[value, '200'] as const, [value * 2, 'time"out\\'] as const])],
  ['by label without a value', 'class', []],
])('a histogram %s prints what prom-client prints', async (_, label, observations) => {
  const [own, reference] = await printed(label, observations)
  expect(own).toBe(reference)
})
