import { basename } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Longest first. One that starts late would run on alone while the other workers have nothing left to do. */
const LONG = [
  'slot-stream.pg.test.ts',
  'slot-stream-faults.pg.test.ts',
  'standby.e2e.test.ts',
  'failover.e2e.test.ts',
  'server.e2e.test.ts',
  'isolation.e2e.test.ts',
  'process.e2e.test.ts',
  'commands.e2e.test.ts',
  'newcomer.e2e.test.ts',
  'daemon-faults.pg.test.ts',
  'memory.e2e.test.ts',
  'kill.e2e.test.ts',
  'chaos.e2e.test.ts',
]

/** Starts the long files first; the others keep Vitest's order. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => rank(a) - rank(b))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const place = LONG.indexOf(basename(moduleId))
  return place < 0 ? LONG.length : place
}
