import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { type Ran, runCommand } from '../support/command.ts'
import { createDatabase, type Database, type Server, SERVER_KINDS, startServer } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'

const TABLES = `
  create table article (id int primary key, state text);
  create table keyless (line text)`

const GOOD = `events:
  article.created: { table: public.article, on: insert }
`

interface Attempt {
  readonly url: string
  /** Null: there is no file. */
  readonly yaml?: string | null
  readonly args?: readonly string[]
}

/** Runs `hookd run` as somebody would who does it for the first time. */
async function start({ url, yaml = GOOD, args = [] }: Attempt): Promise<Ran> {
  const cwd = mkdtempSync(join(tmpdir(), 'hookd-newcomer-'))
  atEnd(() => Promise.resolve(rmSync(cwd, { recursive: true })))
  if (yaml !== null) writeFileSync(join(cwd, 'hookd.yaml'), yaml)
  return runCommand(['run', '--log-level', 'error', ...args], { cwd, env: { DATABASE_URL: url } })
}

/** What is wrong with a refusal: it must be a sentence and the next step, exit 1, show no stack and no password. */
function faults({ code, stderr }: Ran, sentence: RegExp, next: RegExp): string[] {
  const isRight =
    code === 1 &&
    stderr.startsWith('error: ') &&
    sentence.test(stderr) &&
    next.test(stderr) &&
    !/^ +at |\.ts:\d|hunter2/m.test(stderr)
  return isRight ? [] : [`exit ${code}, ${stderr}`]
}

describe('a URL that leads nowhere', () => {
  test.each([
    [
      'a closed port',
      'postgres://me:hunter2@127.0.0.1:9/app',
      /127\.0\.0\.1:9: nothing listens there/,
      /correct host and port/,
    ],
    [
      'an unknown host',
      'postgres://me:hunter2@no-such-host.invalid/app',
      /host name cannot be resolved/,
      /Correct the host/,
    ],
    [
      'another scheme',
      'mysql://me:hunter2@db/app',
      /DATABASE_URL must be a URL that starts with postgres:\/\//,
      /--help/,
    ],
    ['no URL', '', /no database/, /DATABASE_URL=?/],
  ])('%s', async (_, url, sentence, next) => {
    expect(faults(await start({ url }), sentence, next)).toEqual([])
  })
})

test('a pooler, which has no sessions', async () => {
  const said = 'unsupported startup parameter: options'
  const fields = `SFATAL\0C08P01\0M${said}\0\0`
  const pooler = createServer((socket) => {
    socket.once('data', () => {
      const length = Buffer.alloc(4)
      length.writeInt32BE(4 + fields.length)
      socket.end(Buffer.concat([Buffer.from('E'), length, Buffer.from(fields)]))
    })
  })
  pooler.listen(0, '127.0.0.1')
  await once(pooler, 'listening')
  atEnd(async () => pooler.close())
  const { port } = pooler.address() as AddressInfo
  const ran = await start({ url: `postgres://me:hunter2@127.0.0.1:${port}/app` })
  expect(
    faults(ran, new RegExp(`127.0.0.1:${port}: ${said}. A connection pooler answers`), /address of the server/),
  ).toEqual([])
})

describe.each(SERVER_KINDS)('on %s', (kind) => {
  let db: Database

  beforeAll(async () => {
    db = await createDatabase(kind)
    await db.query(TABLES)
  })

  test('a database that does not exist', async () => {
    const url = new URL('/nowhere', db.url).href
    expect(faults(await start({ url }), /there is no database "nowhere"/, /Correct the name/)).toEqual([])
  })

  test('no hookd.yaml', async () => {
    expect(faults(await start({ url: db.url, yaml: null }), /there is no hookd.yaml/, /hookd init/)).toEqual([])
  })

  test.each([
    [
      'a typo',
      'events:\n  a.b: { tabel: public.article, on: insert }\n',
      /hookd\.yaml:2:10 {2}unknown key "tabel"/,
      /did you mean "table"/,
    ],
    ['bad YAML', 'events: {\n', /hookd\.yaml:\d+:\d+/, /problems? in hookd\.yaml/],
    [
      'an unknown column',
      'events:\n  a.b: { table: public.article, on: insert, when: { stat: x } }\n',
      /hookd\.yaml:2:\d+ .*unknown column "stat"/,
      /did you mean "state"/,
    ],
    [
      'a condition on the old row without a replica identity',
      'events:\n  a.b: { table: public.article, on: update, when: { state: { now_eq: x } } }\n',
      /hookd\.yaml:2:\d+ .*state/,
      /ALTER TABLE public\.article REPLICA IDENTITY FULL;/,
    ],
    [
      'updates of a table without a key',
      'events:\n  a.b: { table: public.keyless, on: update }\n',
      /hookd\.yaml:2:\d+ .*keyless/,
      /ALTER TABLE public\.keyless REPLICA IDENTITY FULL;/,
    ],
  ])('%s in the file', async (_, yaml, sentence, next) => {
    expect(faults(await start({ url: db.url, yaml }), sentence, next)).toEqual([])
  })

  test('a port that is in use', async () => {
    const taken = await startReceiver()
    const args = ['--slot', db.name, '--listen', `127.0.0.1:${taken.port}`]
    expect(
      faults(await start({ url: db.url, args }), /is in use by another program/, /choose another --listen/),
    ).toEqual([])
  })

  test('a role that may not replicate', async () => {
    const role = `${db.name}_app`
    await db.query(`create role ${role} login; grant create on database ${db.name} to ${role}`)
    atEnd(() => db.query(`drop owned by ${role}; drop role ${role}`))
    const url = new URL(db.url)
    url.username = role
    const ran = await start({ url: url.href })
    expect(
      faults(ran, /may not open a replication connection/, new RegExp(`ALTER ROLE "${role}" REPLICATION;`)),
    ).toEqual([])
  })
})

describe('on a server that is not set up for it', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer('pg18', {
      settings: { wal_level: 'replica', max_replication_slots: '1', max_wal_senders: '5' },
    })
  })

  test('wal_level is replica', async () => {
    const { url } = await server.createDatabase()
    expect(faults(await start({ url }), /wal_level is "replica"/, /ALTER SYSTEM SET wal_level = logical;/)).toEqual([])
  })

  test('no slot is free, or the plugin is not there', async () => {
    appendFileSync(join(server.dataDir, 'postgresql.conf'), 'wal_level = logical\n')
    await server.stop('fast')
    await server.start()
    const db = await server.createDatabase()
    await db.query(TABLES)
    const missing = await start({ url: db.url, args: ['--plugin', 'wal2json'] })
    expect(faults(missing, /the server has no wal2json/, /--plugin pgoutput/)).toEqual([])

    await db.query(`select pg_create_physical_replication_slot('theirs')`)
    expect(
      faults(
        await start({ url: db.url }),
        /no replication slot is free for "hookd": 1 of/,
        /max_replication_slots = 2/,
      ),
    ).toEqual([])
  })

  test('no WAL sender is free', async () => {
    appendFileSync(join(server.dataDir, 'postgresql.conf'), 'max_wal_senders = 0\n')
    await server.stop('fast')
    await server.start()
    const { url } = await server.createDatabase()
    expect(faults(await start({ url }), /0 of max_wal_senders = 0 are in use/, /max_wal_senders = 2/)).toEqual([])
  })

  test('the password is wrong', async () => {
    const db = await server.createDatabase()
    await db.query(`create role secured login password 'right'`)
    const hba = join(server.dataDir, 'pg_hba.conf')
    writeFileSync(hba, `host all secured 127.0.0.1/32 scram-sha-256\n${readFileSync(hba, 'utf8')}`)
    await db.query('select pg_reload_conf()')
    const url = new URL(db.url)
    url.username = 'secured'
    url.password = 'hunter2'
    expect(
      faults(await start({ url: url.href }), /wrong password for role "secured"/, /Correct it in DATABASE_URL/),
    ).toEqual([])
    url.password = ''
    expect(
      faults(await start({ url: url.href }), /role "secured" needs a password/, /Put it into DATABASE_URL/),
    ).toEqual([])
  })
})
