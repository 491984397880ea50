import { describe, expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import { createDatabase, SERVER_KINDS, startServer } from '../support/postgres.ts'
import { openStage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const SQL = 'create table item (id int primary key, note text)'
const YAML = `events:
  item.created: { table: public.item, on: insert }
`
/** What keeps a slot for 64 MB of WAL, in segments of 16 MB. */
const LIMITED = { max_slot_wal_keep_size: '64MB', max_wal_size: '32MB', min_wal_size: '32MB', fsync: 'off' }

const KIND = SERVER_KINDS.at(-1)!

describe('WAL that is kept for the slot', () => {
  test('is told of while a transaction holds it, until the slot is lost, which names the gap', async () => {
    const server = await startServer(KIND, { settings: LIMITED })
    const db = await server.createDatabase()
    const stage = await openStage(db, { sql: SQL, yaml: YAML })
    const hookd = await stage.start({ args: ['--listen', '127.0.0.1:0'] })
    const box = stage.open()
    await stage.subscribe(box.url)
    const blocker = await db.client()
    await blocker.query('begin')
    const { rows } = await blocker.query(`insert into item values (0, 'never') returning pg_backend_pid() as pid`)
    let lastId = 0
    const fillSegment = async (): Promise<string | null> => {
      await db.query('insert into item values ($1)', [++lastId])
      await db.query('select pg_switch_wal()')
      await db.query('checkpoint')
      const [slot] = await db.query('select wal_status, active from pg_replication_slots')
      return slot.wal_status
    }

    await waitFor(async () => (await fillSegment()) === 'extended', { what: 'the slot to keep more than usual' })
    await hookd.waitForOutput(/"status":"extended".*keeps more WAL for the slot than it likes to/)
    await box.waitFor(lastId)
    const named = new RegExp(`held by +pid ${rows[0].pid} \\(postgres, idle in transaction\\), a transaction open for `)
    await waitFor(
      async () => {
        const status = await runCommand(['status', '--slot', stage.slot], { env: { DATABASE_URL: db.url } })
        return status.code === 0 && named.test(status.stdout)
      },
      { what: 'the transaction to be old enough to be named' },
    )
    const [, url] = await hookd.waitForOutput(/"telemetryUrl":"([^"]+)"/)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(Number(/^hookd_slot_kept_bytes (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(32 * 1024 ** 2)
    expect(metrics).toMatch(/^hookd_slot_status\{status="extended"\} 1$/m)

    await waitFor(async () => (await fillSegment()) === 'lost', { what: 'the slot to be lost', timeoutMs: 20_000 })
    expect(await hookd.exit).toMatchObject({ code: 1 })
    expect(hookd.stderr()).toMatch(
      /was invalidated \(.*\); changes between 0\/[0-9A-F]+ and 0\/[0-9A-F]+ are gone.*hookd run --accept-gap/s,
    )

    await blocker.query('rollback')
    const again = await stage.start({ args: ['--accept-gap'] })
    expect(again.stderr()).toMatch(/"gap":"0\/[0-9A-F]+-0\/[0-9A-F]+".*accepting a gap/)
    await db.query(`insert into item values (1000, 'after')`)
    await waitFor(() => box.bodies().some(({ data }) => data.id === 1000), { what: 'what changed since' })
    expect(box.bodies().some(({ data }) => data.id === 0)).toBe(false)
  })
})

describe('a slot that somebody else has read', () => {
  test('is refused with the gap and the next command', async () => {
    const db = await createDatabase(KIND)
    const stage = await openStage(db, { sql: SQL, yaml: YAML })
    const first = await stage.start()
    first.kill()
    await first.exit
    await db.query('insert into item values (1)')
    await db.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [stage.slot])

    const refused = await stage.start({ ready: false })
    expect(await refused.exit).toMatchObject({ code: 1 })
    expect(refused.stderr()).toMatch(
      /was moved to [0-9A-F]+\/[0-9A-F]+ by somebody else; hookd confirmed [0-9A-F]+\/[0-9A-F]+ at most.*hookd run --accept-gap/s,
    )
  })
})
