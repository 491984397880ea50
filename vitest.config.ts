import { defineConfig } from 'vitest/config'
import { LongFirst } from './test/support/long-first.ts'

/** The suffix says what a test needs: nothing, Postgres, or Postgres and the hookd program. */
const WITH_POSTGRES = { globalSetup: 'test/support/global-setup.ts', testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    retry: 0,
    allowOnly: false,
    passWithNoTests: false,
    maxWorkers: 3, // one more than cores, since tests also wait; with four on two cores they starve each other
    sequence: { sequencer: LongFirst },
    reporters: ['default', './test/support/closing-line.ts'],
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 15_000 } },
      { extends: true, test: { name: 'pg', include: ['test/pg/**/*.pg.test.ts'], ...WITH_POSTGRES } },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/e2e/**/*.e2e.test.ts'], ...WITH_POSTGRES, testTimeout: 90_000 },
      },
    ],
  },
})
