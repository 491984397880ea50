import { describe, expect, test } from 'vitest'
import { reconcile, writeUntilCut } from '../support/cut-writer.ts'
import { SERVER_KINDS, startServer } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { setScene } from '../support/scene.ts'
import { diskProblem, smallDisk } from '../support/tmpfs.ts'
import { waitFor } from '../support/wait.ts'
import { judge, WORKLOAD_SQL, WORKLOAD_YAML, type Committed } from '../support/workload.ts'

const problem = diskProblem()
if (problem !== null) process.stderr.write(`${problem} The test of a full disk is left out.\n`)

/** 16 MB of WAL that cannot be compressed, rolled back or not. */
const NOISE = `select pg_logical_emit_message(true, 'noise', string_agg(md5(g::text), ''))
  from generate_series(1, 500000) g group by g / 20000`
const SMALL = { max_wal_size: '4MB', min_wal_size: '2MB', fsync: 'off' }

describe.runIf(problem === null)('a disk without space for the WAL', () => {
  test('stops Postgres; hookd waits for it, and nothing is lost', { timeout: 90_000 }, async () => {
    const disk = smallDisk(12)
    const server = await startServer(SERVER_KINDS.at(-1)!, { settings: SMALL, walFolder: disk.folder })
    const scene = await setScene(await server.createDatabase(), { sql: WORKLOAD_SQL, yaml: WORKLOAD_YAML })
    const receiver = await startReceiver()
    const hookd = await scene.start()
    await scene.subscribe(receiver.url)
    const committed: Committed[] = []
    const isAhead = (): boolean => committed.length > receiver.requests.length + 100
    const writing = writeUntilCut(scene.database.url, 1, committed, isAhead)
    await receiver.waitFor(50)

    disk.fill()
    await scene.database.query(NOISE).catch(() => {})
    await writing
    expect(server.log()).toMatch(/PANIC: .*No space left on device/)
    await waitFor(() => server.pid === null, { what: 'Postgres to give up' })
    await hookd.waitForOutput(/lost the database; connecting again/)

    disk.heal()
    await server.start()
    await reconcile(scene.database.url, 1, committed)
    await hookd.waitForOutput(/reading the slot again/)
    await waitFor(() => judge(committed, receiver.requests).lost.length === 0, { what: 'every change' })
    const { duplicates, ...faults } = judge(committed, receiver.requests)
    expect(faults).toEqual({ lost: [], phantom: [], misordered: [], changedBytes: [] })
    expect(duplicates).toBeLessThanOrEqual(8)
  })
})
