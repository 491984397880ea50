import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { setScene } from '../support/scene.ts'
import { waitFor } from '../support/wait.ts'
import { judge, runWriter, seeded, WORKLOAD_SQL, WORKLOAD_YAML } from '../support/workload.ts'

/** `npm run test:long` raises it to thirty; `npm run chaos` kills for as long as it is told to. */
const KILLS = Number(process.env['HOOKD_TEST_ROUNDS'] ?? 8)

describe.each(SERVER_KINDS)('kill -9 under load, %s', (kind) => {
  test(
    'every committed change arrives in row order, and what arrives twice is the same',
    { timeout: 150_000 },
    async () => {
      const random = seeded(20_260_101)
      const scene = await setScene(await createDatabase(kind), { sql: WORKLOAD_SQL, yaml: WORKLOAD_YAML })
      const receiver = await startReceiver(async () => {
        await sleep(random() * 4)
        return random() < 0.02 ? 500 : 200
      })
      let hookd = await scene.start()
      await scene.subscribe(receiver.url, { retry: { schedule: ['200ms', '200ms', '500ms', '1s', '1s', '1s', '1s'] } })

      const stop = new AbortController()
      const writers = [0, 1, 2].map((at) =>
        runWriter({
          url: scene.database.url,
          seed: 7 + at,
          base: at * 10,
          signal: stop.signal,
          isAhead: (written) => written * 3 > receiver.requests.length + 1500,
        }),
      )
      for (let kill = 0; kill < KILLS; kill++) {
        const enough = receiver.requests.length + Math.floor(random() * 40)
        await waitFor(() => receiver.requests.length >= enough, { what: 'deliveries before the next kill', everyMs: 5 })
        hookd.kill('SIGKILL')
        await hookd.exit
        hookd = await scene.start()
      }
      stop.abort()
      const committed = (await Promise.all(writers)).flat()

      await waitFor(() => judge(committed, receiver.requests).lost.length === 0, {
        what: 'every change',
        timeoutMs: 60_000,
        everyMs: 500,
      })
      const { duplicates, ...faults } = judge(committed, receiver.requests)
      expect(faults).toEqual({ lost: [], phantom: [], misordered: [], changedBytes: [] })
      process.stderr.write(`${kind}: ${committed.length} changes, ${KILLS} kills, ${duplicates} duplicates\n`)
    },
  )
})
