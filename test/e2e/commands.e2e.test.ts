import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { type Ran, runCommand } from '../support/command.ts'
import { createDatabase, type Database, SERVER_KINDS, type ServerKind } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { setScene } from '../support/scene.ts'
import { waitFor } from '../support/wait.ts'

const TABLES = `
  create table article (id int primary key, state text, title text);
  create table log (line text);
  alter table log replica identity full`

const EVENTS = `events:
  article.created: { table: public.article, on: insert, description: A new one }
  article.changed: { table: public.article, on: update, enabled: false }
  user.logged_in: { manual: true }
recipients: { block_internal: false, ports: any }
`

let db: Database
let cwd: string
const hookd = (...args: string[]): Promise<Ran> =>
  runCommand(args, { cwd, env: { DATABASE_URL: db.url, HOOKD_SLOT: db.name } })

/** A database with tables, and a folder to work in. */
async function prepare(kind: ServerKind): Promise<void> {
  db = await createDatabase(kind)
  await db.query(TABLES)
  cwd = mkdtempSync(join(tmpdir(), 'hookd-cli-'))
  atEnd(() => Promise.resolve(rmSync(cwd, { recursive: true })))
}

/** What touches neither slot nor plugin is the same on every server. */
describe('on one server', () => {
  beforeEach(() => prepare(SERVER_KINDS.at(-1)!))

  test('init writes a file that check accepts, and overwrites none without --force', async () => {
    expect(await hookd('init')).toMatchObject({ code: 0, stdout: expect.stringContaining('wrote hookd.yaml') })
    expect(await hookd('check')).toMatchObject({ code: 0, stdout: expect.stringContaining('declares 6 events') })

    writeFileSync(join(cwd, 'hookd.yaml'), 'mine')
    const again = await hookd('init')
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: hookd.yaml is there already.*--force/),
    })
    expect(readFileSync(join(cwd, 'hookd.yaml'), 'utf8')).toBe('mine')
    expect(await hookd('init', '--force')).toMatchObject({ code: 0 })
    expect(readFileSync(join(cwd, 'hookd.yaml'), 'utf8')).toContain('article.created')
  })

  test('migrate installs the schema once, and writes the events with --events', async () => {
    writeFileSync(join(cwd, 'hookd.yaml'), EVENTS)
    expect(await hookd('subscribers')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Run "hookd migrate"'),
    })
    expect(await hookd('migrate')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^applied 0001_/) })
    const again = await hookd('migrate', '--events')
    expect(again.stdout).toBe('the schema hookd is up to date\nwrote 3 events of hookd.yaml to hookd.events\n')

    const fromFile = await hookd('events', '--json')
    expect(JSON.parse(fromFile.stdout)).toEqual([
      { event: 'article.created', table: 'public.article', on: ['insert'], enabled: true, description: 'A new one' },
      { event: 'article.changed', table: 'public.article', on: ['update'], enabled: false, description: null },
      { event: 'user.logged_in', table: null, on: [], enabled: true, description: null },
    ])
    const installed = await hookd('events', '--installed')
    expect(installed.stdout).toMatch(/^event +table +on .*\narticle\.changed +public\.article +update +no\n/)
  })

  test('subscribers are added, listed without secrets, paused, resumed, rotated and removed', async () => {
    writeFileSync(join(cwd, 'hookd.yaml'), EVENTS)
    await hookd('migrate', '--events')
    const added = await hookd(
      'subscribers',
      'add',
      'article.*',
      'https://a.example/?token=t0p',
      '--label',
      'first',
      '--json',
    )
    const { id, secret } = JSON.parse(added.stdout) as { id: string; secret: string }
    expect(secret).toMatch(/^whsec_/)

    const listed = [await hookd('subscribers'), await hookd('subscribers', '--json'), await hookd('status')]
    for (const { stdout } of listed) {
      expect(stdout).toContain('https://a.example/?…')
      expect(stdout).not.toMatch(/t0p|whsec_/)
    }
    expect(JSON.parse(listed[1]!.stdout)).toMatchObject([{ id, event: 'article.*', label: 'first', state: 'active' }])
    const others = await hookd('subscribers', '--event', 'user.logged_in')
    expect(others.stdout).toBe('none\n')

    expect((await hookd('subscribers', 'pause', id)).stdout).toBe(`paused ${id}\n`)
    expect((await hookd('subscribers')).stdout).toMatch(/ paused /)
    await db.query(`update hookd.subscribers set disabled_at = now(), disabled_reason = 'gone'`)
    expect((await hookd('subscribers')).stdout).toMatch(/ disabled: gone /)
    await hookd('subscribers', 'resume', id)
    expect((await hookd('subscribers')).stdout).toMatch(/ active /)
    const rotated = await hookd('subscribers', 'rotate', id)
    expect(await db.query('select hmac_secret, hmac_secret_old from hookd.subscribers')).toEqual([
      { hmac_secret: rotated.stdout.trim(), hmac_secret_old: secret },
    ])
    expect((await hookd('subscribers', 'remove', id)).stdout).toBe(`removed ${id}\n`)
    const gone = await hookd('subscribers', 'remove', id)
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining(`there is no subscriber ${id}`) })
  })

  test('what the database refuses is said in its own words, with the hint', async () => {
    writeFileSync(join(cwd, 'hookd.yaml'), EVENTS)
    await hookd('migrate', '--events')
    const { code, stderr } = await hookd('subscribers', 'add', 'article.creatd', 'https://a.example/')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: invalid event "article.creatd".*\nNearest: "article.created"/)
    const emitted = await hookd('emit', 'user.loged_in')
    expect(emitted).toMatchObject({ code: 1, stderr: expect.stringContaining('Nearest: "user.logged_in"') })
  })
})

describe.each(SERVER_KINDS)('on %s', (kind) => {
  beforeEach(() => prepare(kind))

  test('a dead letter is listed, shown with attempts and body, and sent again by replay', async () => {
    let answer = 500
    const receiver = await startReceiver(() => ({ status: answer, body: 'sorry' }))
    const scene = await setScene(db, { sql: '', yaml: EVENTS })
    const options = { args: ['--slot', db.name], env: {} }
    const daemon = await scene.start(options)
    const subscriber = await scene.subscribe(receiver.url, { event: 'user.*', retry: { max: 0 }, label: 'mine' })
    expect((await hookd('emit', 'user.logged_in', '{"n": 1.10}', '--sender', '7')).stdout).toMatch(
      /^emitted user.logged_in at [0-9A-F]+\/[0-9A-F]+\n$/,
    )
    await waitFor(async () => (await db.query(`select from hookd.deliveries where state = 'dead'`)).length === 1, {
      what: 'the dead letter',
    })

    const list = await hookd('deliveries', '--state', 'dead', '--event', 'user.*', '--subscriber', subscriber, '--json')
    const [dead] = JSON.parse(list.stdout) as { id: string; last_status: number; event: string }[]
    expect(dead).toMatchObject({ event: 'user.logged_in', last_status: 500, subscriber: 'mine', attempts: 1 })
    const table = await hookd('deliveries')
    expect(table.stdout).toMatch(/user\.logged_in .* mine +dead +1 .* 500 /)
    const shown = await hookd('deliveries', 'show', dead!.id)
    expect(shown.stdout).toContain('"data": { "n": 1.10 }')
    expect(shown.stdout).toMatch(/\n1 .* 500 .* sorry\n/)
    expect((await hookd('deliveries', '--state', 'pending')).stdout).toBe('none\n')
    const status = await hookd('status', '--json')
    expect(JSON.parse(status.stdout)).toMatchObject({
      healthy: true,
      slot: { plugin: db.plugin },
      subscribers: [{ id: subscriber, dead: 1, pending: 0 }],
    })

    answer = 200
    expect((await hookd('replay', dead!.id)).stdout).toBe('1 delivery will be sent again\n')
    await receiver.waitFor(2)
    expect(receiver.requests[1]?.body).toEqual(receiver.requests[0]?.body)
    expect((await hookd('replay', '--state', 'dead')).stdout).toBe('0 deliveries will be sent again\n')

    expect(await hookd('drop', '--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') })
    daemon.kill()
    await daemon.exit
    expect(await hookd('status')).toMatchObject({ code: 1, stdout: expect.stringContaining('nobody reads the slot') })
  })

  test('drop asks first, removes slot and publication, and with --schema everything', async () => {
    const scene = await setScene(db, { sql: '', yaml: EVENTS })
    const daemon = await scene.start({ args: ['--slot', db.name] })
    daemon.kill()
    expect(await daemon.exit).toMatchObject({ code: 0 })

    const asked = await hookd('drop')
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining('Repeat it with --yes.') })
    const dropped = await hookd('drop', '--yes')
    expect(dropped.code).toBe(0)
    expect(dropped.stdout).toContain(`dropped the slot "${db.name}"`)
    expect(dropped.stdout.includes('dropped the publication')).toBe(db.plugin === 'pgoutput')
    expect(await db.query('select from pg_replication_slots where slot_name = $1', [db.name])).toEqual([])
    expect(await db.query('select from pg_publication')).toEqual([])
    expect(await db.query('select from hookd.progress')).toEqual([])

    expect((await hookd('drop', '--yes')).stdout).toBe('nothing to drop\n')
    expect((await hookd('drop', '--yes', '--schema')).stdout).toBe('dropped the schema hookd\n')
    expect(await db.query(`select from pg_namespace where nspname = 'hookd'`)).toEqual([])
  })
})
