import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { reconcile, writeUntilCut } from '../support/cut-writer.ts'
import { type Hookd, startHookd } from '../support/hookd.ts'
import { SERVER_KINDS, startServer, type Database, type Server } from '../support/postgres.ts'
import { startReceiver, type Receiver } from '../support/receiver.ts'
import { setScene, type Scene } from '../support/scene.ts'
import { waitFor } from '../support/wait.ts'
import { judge, WORKLOAD_SQL, WORKLOAD_YAML, type Committed } from '../support/workload.ts'

const IN_FLIGHT = 8 // the default concurrency of a subscriber

interface Pair {
  readonly primary: Server
  readonly standby: Server
  readonly database: Database
  readonly scene: Scene
  readonly receiver: Receiver
  readonly hookd: Hookd
  /** The database on the standby, once that is promoted. */
  readonly standbyUrl: string
}

/** A primary and its standby, and a hookd that knows both and reads the primary. */
async function startPair(args: string[], standbySettings: Record<string, string> = {}): Promise<Pair> {
  const primary = await startServer('pg18', { settings: { fsync: 'off' } })
  const database = await primary.createDatabase()
  const standby = await primary.createStandby({ settings: { sync_replication_slots: 'off', ...standbySettings } })
  atEnd(() => standby.destroy())
  const both = database.url.replace(/@[^/]*/, `@127.0.0.1:${standby.port},127.0.0.1:${primary.port}`)
  const scene = await setScene(
    { ...database, url: `${both}?target_session_attrs=read-write` },
    { sql: WORKLOAD_SQL, yaml: WORKLOAD_YAML },
  )
  const receiver = await startReceiver()
  const hookd = await scene.start({ args })
  await scene.subscribe(receiver.url)
  return { primary, standby, database, scene, receiver, hookd, standbyUrl: standby.url(database.name) }
}

/**
 * Waits until the standby has a copy of the slot that it keeps when it is promoted. Its worker starts here, since it
 * looks the less often the less there was to copy; and the slot moves on only where there is WAL to pass, with snapshots
 * of what runs.
 */
async function slotCopied({ primary, standby, scene }: Pair): Promise<void> {
  await standby.query('alter system set sync_replication_slots = on', 'select pg_reload_conf()')
  const copies = `select from pg_replication_slots where slot_name = '${scene.slot}' and synced and not temporary`
  const isCopied = async (): Promise<boolean> => {
    await primary.query(
      `select pg_logical_emit_message(false, 'noise', repeat('x', 70000))`,
      'select pg_log_standby_snapshot()',
    )
    return (await standby.query(copies)).length === 1
  }
  await waitFor(isCopied, { what: 'the standby to copy the slot', timeoutMs: 30_000, everyMs: 100 })
}

describe.runIf(SERVER_KINDS.includes('pg18'))('a primary that is replaced by its standby', () => {
  test('is followed: nothing is lost, nothing appears, and little comes twice with the same ids', async () => {
    const pair = await startPair(['--failover-slot'])
    const { primary, standby, receiver, hookd, standbyUrl } = pair
    await primary.query(
      `alter system set synchronous_standby_names = '*'`,
      `alter system set synchronized_standby_slots = 'standby_${standby.port}'`,
      'select pg_reload_conf()',
    )
    const committed: Committed[] = []
    const isAhead = (): boolean => committed.length > receiver.requests.length + 100
    const writing = writeUntilCut(pair.database.url, 1, committed, isAhead)
    await slotCopied(pair)
    const enough = receiver.requests.length + 100
    await waitFor(() => receiver.requests.length >= enough, { what: 'deliveries', timeoutMs: 20_000 })

    await primary.stop('immediate')
    await writing
    await standby.query('select pg_promote()')
    const promotedAt = Date.now()
    await reconcile(standbyUrl, 1, committed)
    const writingOn = writeUntilCut(standbyUrl, 2, committed, isAhead)
    const first = await receiver.waitFor(({ at }) => at > promotedAt)
    expect(first.at - promotedAt).toBeLessThan(10_000)
    await waitFor(() => receiver.requests.length >= enough + 300, { what: 'deliveries', timeoutMs: 20_000 })
    await standby.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'writer'`)
    await writingOn
    await reconcile(standbyUrl, 2, committed)
    await waitFor(() => judge(committed, receiver.requests).lost.length === 0, { what: 'every change' })
    const { duplicates, ...faults } = judge(committed, receiver.requests)
    expect(faults).toEqual({ lost: [], phantom: [], misordered: [], changedBytes: [] })
    expect(duplicates).toBeLessThanOrEqual(200 + IN_FLIGHT)
    expect(hookd.stderr()).not.toMatch(/"level":(50|60)/)
  })

  test('that lost changes is followed from the slot: nothing new is lost, and what is undone is named', async () => {
    const pair = await startPair(['--failover-slot'])
    const { primary, standby, database, scene, receiver, hookd, standbyUrl } = pair
    await leaveProgressOf('without_copy', scene)
    await database.query('insert into item values (1, 1)')
    await slotCopied(pair)
    await receiver.waitFor(1)

    await standby.query(`alter system set primary_conninfo = ''`, 'select pg_reload_conf()')
    const receivers = 'select from pg_stat_wal_receiver'
    await waitFor(async () => (await standby.query(receivers)).length === 0, { what: 'the standby to be left behind' })
    await database.query('insert into item select g, 1 from generate_series(1001, 1400) g')
    await receiver.waitFor(401)

    await primary.stop('immediate')
    await standby.query('select pg_promote()')
    const ids = Array.from({ length: 20 }, (_, index) => 2 + index)
    const client = new pg.Client({ connectionString: standbyUrl })
    await client.connect()
    atEnd(() => client.end())
    for (const id of ids) await client.query('insert into item values ($1, 1)', [id])
    const wanted = [1, ...ids]
    const arrived = (): number[] => idsOf(receiver).filter((id) => id <= 1000)
    await waitFor(() => arrived().length >= wanted.length, { what: 'what changed on the new primary' })
    expect(arrived()).toEqual(wanted)
    expect(hookd.stderr()).toMatch(/"undone":"0\/[0-9A-F]+-0\/[0-9A-F]+".*a failover of the server undid these changes/)

    const refused = startHookd({
      args: ['run', '--config', scene.config, '--slot', 'without_copy'],
      env: { DATABASE_URL: standbyUrl },
    })
    expect(await refused.exit).toMatchObject({ code: 1 })
    expect(refused.stderr()).toMatch(
      /slot "without_copy" does not exist any more; the last confirmed LSN is 0\/.*failover = true/s,
    )
  })
})

/** The rows that arrived, each once. */
function idsOf({ requests }: Receiver): number[] {
  const ids = requests.map(({ body }) => (JSON.parse(body.toString()) as { data: { id: number } }).data.id)
  return [...new Set(ids)]
}

/** A slot that hookd has read, and that no standby keeps a copy of. */
async function leaveProgressOf(slot: string, scene: Scene): Promise<void> {
  const hookd = await scene.start({ args: ['--slot', slot] })
  hookd.kill()
  await hookd.exit
}

describe('a server that comes back as a standby', () => {
  test('is waited for until it is a primary again, and refused at a start', { timeout: 90_000 }, async () => {
    const server = await startServer(SERVER_KINDS[0]!, { settings: { fsync: 'off' } })
    const scene = await setScene(await server.createDatabase(), { sql: WORKLOAD_SQL, yaml: WORKLOAD_YAML })
    const receiver = await startReceiver()
    const hookd = await scene.start()
    await scene.subscribe(receiver.url)
    await scene.database.query('insert into item values (1, 1)')
    await receiver.waitFor(1)

    await server.stop('immediate')
    writeFileSync(join(server.dataDir, 'standby.signal'), '')
    await server.start()
    await hookd.waitForOutput(/the server is a standby now/)
    const refused = await scene.start({ ready: false })
    expect(await refused.exit).toMatchObject({ code: 1 })
    expect(refused.stderr()).toContain('the server is a standby, where nothing can be written')

    await server.query('select pg_promote()')
    await scene.database.query('insert into item values (2, 1)')
    await waitFor(() => idsOf(receiver).includes(2), { what: 'what changed since' })
    expect(idsOf(receiver)).toEqual([1, 2])
  })
})
