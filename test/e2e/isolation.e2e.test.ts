import { describe, expect, test } from 'vitest'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { setScene } from '../support/scene.ts'
import { waitFor } from '../support/wait.ts'
import { judge, WORKLOAD_SQL, WORKLOAD_YAML } from '../support/workload.ts'
import type { Committed } from '../support/workload.ts'

const ROWS = 3000

describe.each(SERVER_KINDS)('endpoints that hang and fail, %s', (kind) => {
  test('delay nobody else, release the WAL, and get everything once they are well', async () => {
    const yaml = `${WORKLOAD_YAML}delivery: { spill_after: 1s, timeout: 2s, retry: { schedule: [200ms, 200ms, 500ms, 1s, 1s, 1s] } }\n`
    const scene = await setScene(await createDatabase(kind), { sql: WORKLOAD_SQL, yaml })
    let isWell = false
    const healthy = await startReceiver()
    const failing = await startReceiver(() => (isWell ? 200 : 500))
    const hanging = await startReceiver((_request, _index, response) => {
      if (isWell) response.end()
    })
    const hookd = await scene.start({ args: ['--listen', '127.0.0.1:0'] })
    const [, telemetry] = await hookd.waitForOutput(/"?telemetryUrl"?[=:]"?(http:[^\s"]+)/)
    for (const { url } of [healthy, failing, hanging]) await scene.subscribe(url)
    const committed: Committed[] = []
    await scene.database.query(`insert into item select g, 1 from generate_series(1, ${ROWS}) g`)
    await scene.database.query('update item set v = 2')
    for (let id = 1; id <= ROWS; id++) committed.push({ op: 'insert', id, v: 1 })
    for (let id = 1; id <= ROWS; id++) committed.push({ op: 'update', id, v: 2 })
    const [{ lsn }] = await scene.database.query('select pg_current_wal_lsn()::text as lsn')

    await waitFor(() => judge(committed, healthy.requests).lost.length === 0, {
      what: 'all at the healthy endpoint',
      timeoutMs: 30_000,
      everyMs: 200,
    })
    const isReleased = async (): Promise<boolean> => {
      const [slot] = await scene.database.query(
        `select confirmed_flush_lsn >= $1::pg_lsn as released from pg_replication_slots where slot_name = $2`,
        [lsn, scene.slot],
      )
      return slot.released
    }
    await waitFor(isReleased, { what: 'the WAL to be released', timeoutMs: 20_000 })
    const areTwo = async (): Promise<boolean> =>
      /^hookd_lanes_spilled 2$/m.test(await (await fetch(`${telemetry}/metrics`)).text())
    await waitFor(areTwo, { what: 'two lanes to be spilled, and no other' })
    expect((await fetch(`${telemetry}/readyz`)).status).toBe(200)

    isWell = true

    for (const endpoint of [failing, hanging]) {
      const delivered = () => endpoint.requests.length > 0 && judge(committed, endpoint.requests).lost.length === 0
      await waitFor(delivered, { what: 'all at the endpoint that is well again', timeoutMs: 40_000, everyMs: 200 })
    }
    const everywhere = [healthy, failing, hanging].map(({ requests }) => judge(committed, requests))
    for (const { phantom, misordered, changedBytes } of everywhere) {
      expect({ phantom, misordered, changedBytes }).toEqual({ phantom: [], misordered: [], changedBytes: [] })
    }
    expect(everywhere[0]!.duplicates).toBe(0)
    await waitFor(
      async () =>
        (await scene.database.query(`select from hookd.deliveries where state = 'pending' limit 1`)).length === 0,
      { what: 'nothing to be pending' },
    )
  })
})
