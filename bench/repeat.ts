import type { Measurement } from './measure.ts'

/** One side of a comparison. */
export interface Side {
  readonly name: string
  /** A shorter run, so that the first one that counts finds everything in memory. */
  warmUp(): Promise<unknown>
  run(): Promise<Measurement>
}

/** Runs of two sides one after the other, so that what the machine does meanwhile meets both. */
export interface Pairs {
  readonly subject: readonly Measurement[]
  /** As many as of the subject; none where there is nothing to compare with. */
  readonly baseline: readonly Measurement[]
}

/** Warms both up, then measures baseline, subject, baseline, subject, … */
export async function repeat(
  { subject, baseline }: { subject: Side; baseline: Side | null },
  { reps, progress }: { reps: number; progress: (text: string) => void },
): Promise<Pairs> {
  const measured = { subject: [] as Measurement[], baseline: [] as Measurement[] }
  const sides = [
    ...(baseline === null ? [] : [{ side: baseline, into: measured.baseline }]),
    { side: subject, into: measured.subject },
  ]
  for (const { side } of sides) await side.warmUp()
  for (let rep = 1; rep <= reps; rep++) {
    for (const { side, into } of sides) {
      const measurement = await side.run()
      into.push(measurement)
      progress(`${side.name}, ${rep} of ${reps}: ${Math.round(measurement.perSecond)} events/s${storedIn(measurement)}`)
      for (const warning of new Set(measurement.warnings)) progress(`${side.name} warned: ${warning}`)
    }
  }
  return measured
}

function storedIn({ stored }: Measurement): string {
  return stored === null || stored === 0 ? '' : `, ${stored} deliveries by way of its tables`
}
