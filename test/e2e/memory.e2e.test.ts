import { describe, expect, test } from 'vitest'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { setScene } from '../support/scene.ts'
import { waitFor } from '../support/wait.ts'

/** `npm run test:million` raises it to a million. */
const ROWS = Number(process.env['HOOKD_TEST_ROWS'] ?? 20_000)
const LIMIT_MIB = 300
const TIMEOUT_MS = 60_000 + ROWS

const SQL = 'create table reading (id int primary key, place text not null, value numeric not null)'
const YAML = 'events: { reading.taken: { table: public.reading, on: insert } }\n'

describe.each(SERVER_KINDS)('a large transaction, %s', (kind) => {
  test('is sent whole and in order, and memory does not grow with it', { timeout: TIMEOUT_MS }, async () => {
    const scene = await setScene(await createDatabase(kind), { sql: SQL, yaml: YAML })
    let next = 1
    let misplaced = 0
    let count = 0
    const receiver = await startReceiver((request) => {
      count++
      const id = Number(/"id":(\d+)/.exec(request.body.toString())?.[1])
      if (id !== next++) misplaced++
      forget(receiver.requests)
      return 200
    })
    const hookd = await scene.start({ args: ['--listen', '127.0.0.1:0'] })
    const [, telemetry] = await hookd.waitForOutput(/"?telemetryUrl"?[=:]"?(http:[^\s"]+)/)
    await scene.subscribe(receiver.url, { ordering: 'subscriber', concurrency: 1, envelope: 'raw' })
    await scene.database.query(
      `insert into reading select g, 'place ' || g, g / 7.0 from generate_series(1, ${ROWS}) g`,
    )

    let peakMiB = 0
    await waitFor(
      async () => {
        const metrics = await (await fetch(`${telemetry}/metrics`)).text()
        const [, bytes] = /^hookd_resident_memory_bytes (\S+)$/m.exec(metrics) ?? []
        peakMiB = Math.max(peakMiB, Number(bytes) / 1024 / 1024)
        return count >= ROWS
      },
      { what: 'every row', timeoutMs: TIMEOUT_MS - 10_000, everyMs: 100 },
    )

    process.stderr.write(`${kind}: ${ROWS} rows, at most ${Math.round(peakMiB)} MiB resident\n`)
    expect(misplaced).toBe(0)
    expect(peakMiB).toBeLessThan(LIMIT_MIB)
  })
})

/** A million recorded requests would be the test's memory, not hookd's. */
function forget(requests: readonly unknown[]): void {
  if (requests.length > 1000) (requests as unknown[]).length = 0
}
