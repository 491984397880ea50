import { closeSync, openSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import type { Endpoint } from '../support/endpoints.ts'
import { createMailroom } from '../support/mailroom.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage, type Stage, stop } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const SQL = 'create table item (id int primary key)'
const YAML = `events:
  item.created: { table: public.item, on: insert }
`
const IN_FLIGHT = 8 // the default concurrency of a subscriber

describe.each(SERVER_KINDS)('the process, %s', (kind) => {
  let stage: Stage
  let lastId = 0
  const open = createMailroom(() => stage)
  const insert = async (count: number): Promise<number[]> => {
    const fresh = Array.from({ length: count }, () => ++lastId)
    await stage.database.query('insert into item select unnest($1::int[])', [fresh])
    return fresh
  }
  const isActive = async (): Promise<boolean> => {
    const query = 'select active from pg_replication_slots where slot_name = $1'
    return (await stage.database.query(query, [stage.slot]))[0].active
  }

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    await stop(await stage.start())
  })

  test('told to stop with many requests in flight, keeps the slot, takes the answers that come in time, and stores the rest', async () => {
    const hookd = await stage.start({ args: ['--drain-timeout', '2s', '--wal-sender-timeout', '1s'] })
    const well = Promise.withResolvers<void>()
    const boxes = await Promise.all(Array.from({ length: 6 }, () => open()))
    const [hanging, slow] = [boxes.slice(0, 3), boxes.slice(3)]
    for (const box of hanging) box.answer(() => new Promise<number>(() => {}))
    for (const box of slow) box.answer(() => well.promise.then(() => 200))
    const sent = await insert(50)
    await waitFor(() => boxes.every(({ requests }) => requests.length === IN_FLIGHT), { what: 'all to be in flight' })

    hookd.kill('SIGTERM')
    await hookd.waitForOutput(/stopping/)
    well.resolve()
    const stoppingAt = performance.now()
    await waitFor(async () => !(await isActive()), { what: 'the slot to be free' })
    expect(performance.now() - stoppingAt).toBeGreaterThan(1800) // long after the server would have taken it from a mute one
    expect(await hookd.exit).toEqual({ code: 0, signal: null })
    expect(slow.map(({ requests }) => requests.length)).toEqual(slow.map(() => IN_FLIGHT))

    for (const box of boxes) box.answer(200)
    const next = await stage.start()
    await Promise.all(boxes.map((box) => waitFor(() => distinct(box).length === 50, { what: 'all at every endpoint' })))
    await stage.settled()
    for (const box of boxes) expect(distinct(box)).toEqual(sent)
    expect(slow.map(({ requests }) => requests.length)).toEqual(slow.map(() => 50))
    expect(Math.max(...hanging.map(({ requests }) => requests.length))).toBe(50 + IN_FLIGHT)
    await stop(next)
  })

  test('a second SIGTERM ends it at once, and nothing is lost', async () => {
    const hookd = await stage.start({ args: ['--drain-timeout', '1h'] })
    const box = await open({ timeout: '60s' }, () => new Promise<number>(() => {}))
    const sent = await insert(20)
    await box.waitFor(IN_FLIGHT)
    hookd.kill('SIGTERM')
    await hookd.waitForOutput(/stopping/)
    hookd.kill('SIGTERM')
    expect(await hookd.exit).toEqual({ code: 143, signal: null })

    box.answer(200)
    const next = await stage.start()
    await waitFor(() => distinct(box).length === 20, { what: 'all of them' })
    expect(distinct(box)).toEqual(sent)
    await stop(next)
  })

  // What follows has nothing to do with the plugin: one server is enough.
  if (kind !== SERVER_KINDS.at(-1)) return

  test.each(['throw', 'reject'] as const)('a bug (%s) ends it with its stack, and nothing is lost', async (fault) => {
    const box = await open()
    const hookd = await stage.start({ fault })
    const before = await insert(5)
    await box.waitFor(5)
    hookd.kill('SIGUSR2')
    const during = await insert(5)
    expect(await hookd.exit).toEqual({ code: 1, signal: null })
    expect(hookd.stderr()).toMatch(/Error: a planted (exception|rejection)\n +at /)
    const next = await stage.start()
    await waitFor(() => distinct(box).length === 10, { what: 'all of them' })
    await stage.settled()
    expect(distinct(box)).toEqual([...before, ...during])
    await stop(next)
  })

  test('a deployment that cannot start ends, and the one that runs goes on', async () => {
    const active = await stage.start()
    const box = await open()
    const good = { file: stage.config, url: stage.database.url }
    const attempts = [
      { args: ['--config', `${good.file}.missing`], says: /there is no .*missing/ },
      { args: ['--slot', 'Not-A-Name'], says: /'--slot <name>' .* is invalid/ },
      { env: { DATABASE_URL: new URL('/nowhere', good.url).href }, says: /there is no database "nowhere"/ },
    ]
    for (const { says, ...options } of attempts) {
      const broken = await stage.start({ ...options, ready: false })
      expect((await broken.exit).code).toBeGreaterThan(0)
      expect(broken.stderr()).toMatch(says)
    }
    const sent = await insert(5)
    await stage.settled()
    expect(distinct(box)).toEqual(sent)
    expect(active.stderr()).not.toMatch(/reading the slot again|"level":50/)
    await stop(active)
  })

  test.each(['json', 'pretty'])('a log that cannot be written (%s) costs lines, not deliveries', async (format) => {
    const full = openSync('/dev/full', 'w')
    atEnd(async () => closeSync(full))
    const refusing = await open({}, 413)
    const box = await open()
    const hookd = await stage.start({ stderr: full, args: ['--log-format', format], ready: false })
    const sent = await insert(50)
    await stage.settled()
    expect(distinct(box)).toEqual(sent)
    expect(refusing.requests.length).toBeGreaterThan(0) // each is a line
    hookd.kill('SIGTERM')
    expect(await hookd.exit).toEqual({ code: 0, signal: null })
  })
})

function distinct(box: Endpoint): number[] {
  return [...new Set(box.bodies().map(({ data }) => data.id as number))].toSorted((a, b) => a - b)
}
