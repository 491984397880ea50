import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/postgres/finding.ts'
import { atEnd } from '../support/at-end.ts'
import { runCommand } from '../support/command.ts'
import { createDatabase, type Database, SERVER_KINDS, type ServerKind } from '../support/postgres.ts'
import { setScene } from '../support/scene.ts'

let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'hookd-check-'))
  atEnd(() => Promise.resolve(rmSync(cwd, { recursive: true })))
})

interface Checked {
  readonly code: number | null
  readonly findings: readonly Finding[]
}

async function check(env: Record<string, string>, yaml: string | null): Promise<Checked> {
  if (yaml !== null) writeFileSync(join(cwd, 'hookd.yaml'), yaml)
  const { code, stdout, stderr } = await runCommand(['check', '--json'], { cwd, env })
  expect(stderr).toBe('')
  return { code, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings }
}

const notOk = ({ findings }: Checked): Finding[] => findings.filter(({ level }) => level !== 'ok')

describe('without a database', () => {
  test('the file alone is checked, and check says so', async () => {
    const good = await check({}, 'events: { a.b: { manual: true } }')
    expect(good.code).toBe(0)
    expect(notOk(good)).toMatchObject([{ level: 'warning', code: 'HOOKD_NO_DATABASE_URL' }])

    const bad = await check({}, 'events:\n  a.b: { manual: true, tabel: x }\n  c.d: { table: t, on: insrt }\n')
    expect(bad.code).toBe(1)
    expect(notOk(bad).slice(1)).toMatchObject([
      { level: 'error', message: expect.stringMatching(/^hookd\.yaml:2:24 {2}unknown key "tabel"/) },
      { level: 'error', message: expect.stringMatching(/^hookd\.yaml:3:\d+ .*insrt.*did you mean "insert"/) },
    ])
  })

  test('people see the line in question, and how many errors there are', async () => {
    writeFileSync(join(cwd, 'hookd.yaml'), 'events:\n  a.b: { manual: true, tabel: x }\n')
    const { stdout, code } = await runCommand(['check'], { cwd })
    expect(code).toBe(1)
    expect(stdout).toContain('  2 |   a.b: { manual: true, tabel: x }\n    |                        ^')
    expect(stdout).toMatch(/\n1 error, 1 warning\n$/)
  })

  test('a database that cannot be reached does not keep the file from being checked', async () => {
    const checked = await check({ DATABASE_URL: 'postgres://127.0.0.1:9/app' }, null)
    expect(checked.code).toBe(1)
    expect(notOk(checked)).toMatchObject([{ code: 'HOOKD_DATABASE_UNREACHABLE' }, { code: 'HOOKD_CONFIG_NOT_FOUND' }])
  })
})

describe.each(SERVER_KINDS)('on %s', (kind) => {
  let db: Database
  let env: Record<string, string>

  beforeEach(async () => {
    db = await createDatabase(kind)
    await db.query('create table article (id int primary key, state text); create table log (line text)')
    env = { DATABASE_URL: db.url, HOOKD_SLOT: db.name }
  })

  test('a table without key and replica identity is found, with the statement that mends it', async () => {
    const yaml = 'events: { log.created: { table: public.log, on: insert } }'
    const found = notOk(await check(env, yaml)).filter(({ code }) => code === 'HOOKD_NO_IDENTITY')
    expect(found).toMatchObject([
      {
        level: kind === 'pg15' ? 'warning' : 'error',
        fix: 'ALTER TABLE "public"."log" REPLICA IDENTITY FULL;',
      },
    ])
    await db.query(found[0]!.fix!)
    const mended = await check(env, yaml)
    expect([mended.code, notOk(mended).map(({ code }) => code)]).toEqual([0, ['HOOKD_WAL_UNBOUNDED']])
  })

  test('a condition on the old row needs the whole old row', async () => {
    const yaml = 'events: { a.published: { table: public.article, on: update, when: { state: { now_eq: X } } } }'
    const { code, findings } = await check(env, yaml)
    expect(code).toBe(1)
    const message = findings.find(({ level }) => level === 'error')?.message ?? ''
    const [fix = ''] = /ALTER TABLE .*?;/.exec(message) ?? []
    await db.query(fix)
    expect(await check(env, yaml)).toMatchObject({ code: 0 })
  })

  test('each grant that a role lacks is printed, and running them all makes it fit', async () => {
    const role = `${db.name}_app`
    await db.query(`create role ${role} login`)
    atEnd(() => db.query(`drop owned by ${role}; drop role ${role}`))
    const url = new URL(db.url)
    url.username = role
    const mine = { ...env, DATABASE_URL: url.href }
    const yaml = 'events: { article.created: { table: public.article, on: insert } }'

    const before = await check(mine, yaml)
    expect(before.code).toBe(1)
    expect(notOk(before).flatMap(({ level, fix }) => (level === 'error' ? (fix ?? []) : []))).toEqual(
      expect.arrayContaining([
        expect.stringContaining(`ALTER ROLE "${role}" REPLICATION;`),
        `GRANT CREATE ON DATABASE "${db.name}" TO "${role}";`,
      ]),
    )

    await db.query(`alter role ${role} replication`)
    await runCommand(['migrate'], { env })
    if (db.plugin === 'pgoutput') await db.query(`alter table article owner to ${role}`)
    for (let round = 0; round < 3; round++) {
      const errors = notOk(await check(mine, yaml)).filter(({ level }) => level === 'error')
      const statements = errors.flatMap(({ fix }) => fix?.match(/^(GRANT|CREATE|ALTER) .*?;/gm) ?? [])
      for (const sql of statements) await db.query(sql)
    }
    expect(notOk(await check(mine, yaml)).filter(({ level }) => level === 'error')).toEqual([])
  })

  test('a slot that is gone although hookd had read it is an error with the gap and the next command', async () => {
    const scene = await setScene(db, {
      sql: '',
      yaml: 'events: { article.created: { table: public.article, on: insert } }\n',
    })
    const daemon = await scene.start({ args: ['--slot', db.name] })
    const running = await runCommand(['check', '--config', scene.config], { env })
    expect(running).toMatchObject({ code: 0, stdout: expect.stringMatching(/server process \d+ reads it/) })
    daemon.kill()
    await daemon.exit
    await db.query('select pg_drop_replication_slot($1)', [db.name])

    const { code, stdout } = await runCommand(['check', '--config', scene.config], { env })
    expect(code).toBe(1)
    expect(stdout).toMatch(new RegExp(`error +slot "${db.name}" does not exist any more; .*[0-9A-F]+/[0-9A-F]+`))
    expect(stdout).toContain('hookd run --accept-gap')
  })
})

const ARTICLES = 'events: { article.created: { table: public.article, on: insert } }\n'

describe('a slot that is to outlive a failover', () => {
  async function prepare(kind: ServerKind): Promise<{ db: Database; env: Record<string, string> }> {
    const db = await createDatabase(kind)
    await db.query('create table article (id int primary key, state text)')
    return { db, env: { DATABASE_URL: db.url, HOOKD_SLOT: db.name, HOOKD_FAILOVER_SLOT: 'true' } }
  }

  test.runIf(SERVER_KINDS.includes('pg15'))('is an error where the server has no such slots', async () => {
    const { env } = await prepare('pg15')
    const found = notOk(await check(env, ARTICLES)).filter(({ level }) => level === 'error')
    expect(found).toMatchObject([
      { code: 'HOOKD_FAILOVER_SLOT', message: expect.stringMatching(/since PostgreSQL 17/) },
    ])
  })

  test.runIf(SERVER_KINDS.includes('pg18'))('is switched over by a run, and shown', async () => {
    const { db, env } = await prepare('pg18')
    const scene = await setScene(db, { sql: '', yaml: ARTICLES })
    const first = await scene.start({ args: ['--slot', db.name] })
    expect(await runCommand(['status'], { env })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/failover +no/),
    })
    first.kill()
    await first.exit
    expect(notOk(await check(env, ARTICLES)).map(({ code }) => code)).toContain('HOOKD_FAILOVER_SLOT')

    await scene.start({ args: ['--slot', db.name, '--failover-slot'] })
    expect(await check(env, ARTICLES)).toMatchObject({ code: 0 })
    expect((await runCommand(['status'], { env })).stdout).toMatch(/failover +standbys may keep a copy of the slot/)
  })
})
