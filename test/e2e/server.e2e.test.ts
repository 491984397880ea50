import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { reconcile, writeUntilCut } from '../support/cut-writer.ts'
import { type Server, SERVER_KINDS, startServer } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import type { Scene } from '../support/scene.ts'
import { setScene } from '../support/scene.ts'
import { waitFor } from '../support/wait.ts'
import type { Committed } from '../support/workload.ts'
import { judge, seeded, WORKLOAD_SQL, WORKLOAD_YAML } from '../support/workload.ts'

/** In how many ways it goes away; a checkpoint in between moves the position that a crash takes the slot back to. */
const OUTAGES: readonly ((server: Server, scene: Scene) => Promise<unknown>)[] = [
  (server) => server.stop('immediate'),
  (server) => server.stop('fast'),
  async (server, { database }) => {
    await database.query('checkpoint')
    await server.stop('immediate')
  },
  async (server, { database }) => {
    const [{ pid }] = await database.query(
      `select pid from pg_stat_activity where backend_type = 'client backend' and application_name <> 'hookd' and pid <> pg_backend_pid()`,
    )
    const crashes = server.log().split('server process').length
    process.kill(pid, 'SIGKILL') // takes all others along
    await waitFor(() => server.log().split('server process').length > crashes, { what: 'the server to notice' })
    await waitFor(() => database.query('select 1'), { what: 'the server to recover' })
  },
]

describe.each(SERVER_KINDS)('a Postgres that goes away, %s', (kind) => {
  test(
    'after crashes and restarts under load nothing is lost and no more arrives twice than was in flight',
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
      const isAhead = (): boolean => committed.length > receiver.requests.length + 500
      for (const [crash, bring] of OUTAGES.entries()) {
        const writing = writeUntilCut(scene.database.url, crash, committed, isAhead)
        const enough = receiver.requests.length + 50
        await waitFor(() => receiver.requests.length >= enough, {
          what: 'deliveries before the crash',
          timeoutMs: 20_000,
        })
        mostAtCrash += inFlight
        await bring(server, scene)
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
