import type { Contender, RunSize } from './contenders.ts'
import type { Measurement } from './measure.ts'

/** Runs of two contenders one after the other, so that what the machine does meanwhile meets both. */
export interface Pairs {
  readonly subject: readonly Measurement[]
  readonly baseline: readonly Measurement[]
}

export interface Repetitions {
  readonly reps: number
  readonly subjectSize: RunSize
  readonly baselineSize: RunSize
  progress(text: string): void
}

/** Warms both up with a quarter of the work, then measures baseline, subject, baseline, subject, … */
export async function pairs(subject: Contender, baseline: Contender | null, plan: Repetitions): Promise<Pairs> {
  const { reps, subjectSize, baselineSize, progress } = plan
  const result = { subject: [] as Measurement[], baseline: [] as Measurement[] }
  const sides = [
    ...(baseline === null ? [] : [{ contender: baseline, size: baselineSize, into: result.baseline }]),
    { contender: subject, size: subjectSize, into: result.subject },
  ]
  for (const { contender, size } of sides) {
    await contender.run({ ...size, total: Math.ceil(size.total / 4) })
  }
  for (let rep = 1; rep <= reps; rep++) {
    for (const { contender, size, into } of sides) {
      const measurement = await contender.run(size)
      into.push(measurement)
      progress(`${contender.name}, ${rep} of ${reps}: ${Math.round(measurement.perSecond)}/s`)
    }
  }
  return result
}
