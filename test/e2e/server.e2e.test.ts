import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { SERVER_KINDS, startServer } from '../support/postgres.ts'
import { reconcile, writeUntilCut } from '../support/cut-writer.ts'
import { startReceiver } from '../support/receiver.ts'
import type { Scene } from '../support/scene.ts'
import { setScene } from '../support/scene.ts'
import { waitFor } from '../support/wait.ts'
import type { Committed } from '../support/workload.ts'
import { judge, seeded, WORKLOAD_SQL, WORKLOAD_YAML } from '../support/workload.ts'

describe.each(SERVER_KINDS)('a Postgres that goes away, %s', (kind) => {
  test(
    'after crashes under load nothing is lost and no more arrives twice than was in flight',
    { timeout: 120_000 },
    async () => {
      const random = seeded(5)
      const server = await startServer(kind)
      const scene = await setScene(await server.createDatabase(), { sql: WORKLOAD_SQL, yaml: WORKLOAD_YAML })
      let inFlight = 0
      let mostAtCrash = 0
      const receiver = await startReceiver(async () => {
        inFlight++
        await sleep(random() * 4)
        inFlight--
        return 200
      })
      await scene.start()
      await scene.subscribe(receiver.url)

      const committed: Committed[] = []
      for (let crash = 0; crash < 3; crash++) {
        const writing = writeUntilCut(scene.database.url, crash, committed)
        const enough = receiver.requests.length + 50
        await waitFor(() => receiver.requests.length >= enough, {
          what: 'deliveries before the crash',
          timeoutMs: 20_000,
        })
        mostAtCrash += inFlight
        await server.stop('immediate')
        await writing
        await server.start()
        await reconcile(scene.database.url, crash, committed)
      }

      await waitFor(() => judge(committed, receiver.requests).lost.length === 0, {
        what: 'every change',
        timeoutMs: 30_000,
        everyMs: 200,
      })
      const { duplicates, ...faults } = judge(committed, receiver.requests)
      expect(faults).toEqual({ lost: [], phantom: [], misordered: [], changedBytes: [] })
      expect(duplicates).toBeLessThanOrEqual(mostAtCrash)
    },
  )

  test('a fast shutdown is not held up while every endpoint fails', { timeout: 60_000 }, async () => {
    const server = await startServer(kind)
    const scene = await setScene(await server.createDatabase(), { sql: WORKLOAD_SQL, yaml: WORKLOAD_YAML })
    const receiver = await startReceiver(() => 500)
    const hookd = await scene.start()
    await scene.subscribe(receiver.url)
    await scene.database.query('insert into item select g, 1 from generate_series(1, 500) g')
    await receiver.waitFor(5)

    await server.stop('fast') // pg_ctl gives up, and so fails, when the server waits for somebody

    expect(hookd.stderr()).not.toMatch(/FATAL|uncaught/i)
    await server.start()
    await hookd.waitForOutput(/reading the slot again/)
    await waitFor(async () => (await pending(scene)) === 500, { what: 'every delivery in the ledger' })
  })
})

async function pending({ database }: Pick<Scene, 'database'>): Promise<number> {
  const [row] = await database.query(`select count(*)::int as count from hookd.deliveries where state = 'pending'`)
  return row.count
}
