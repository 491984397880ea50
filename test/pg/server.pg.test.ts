import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { closeClient, replicationConfig, withClient } from '../../src/postgres/connect.ts'
import { explainConnectError } from '../../src/postgres/connect-error.ts'
import { hasPlugin, readServerFacts } from '../../src/postgres/server.ts'
import { readServerPosition } from '../../src/replication/server-position.ts'
import { atEnd } from '../support/at-end.ts'
import { createDatabase, SERVER_KINDS, startServer, type Database } from '../support/postgres.ts'
import { waitFor } from '../support/wait.ts'

/** A role that may log in and nothing else, but for the given attributes; gone when the test ends. */
async function createRole(db: Database, attributes = ''): Promise<string> {
  const role = `role_${db.name}`
  await db.query(`create role ${role} login ${attributes}`)
  atEnd(async () => db.query(`drop role if exists ${role}`))
  const url = new URL(db.url)
  url.username = role
  return url.href
}

describe.each(SERVER_KINDS)('on %s', (kind) => {
  test('any role learns the facts about the server and itself', async () => {
    const db = await createDatabase(kind)
    const url = await createRole(db)
    const facts = await withClient({ connectionString: url }, readServerFacts)
    expect(facts).toMatchObject({
      walLevel: 'logical',
      inRecovery: false,
      encoding: 'UTF8',
      timeline: 1,
      slots: { max: 60 },
      walSenders: { max: 60 },
      maxSlotWalKeepSize: '-1',
      role: { name: `role_${db.name}`, superuser: false, replication: false, createInDatabase: false },
    })
    expect(Math.floor(facts.version / 10_000)).toBe(kind === 'pg15' ? 15 : 18)
    expect(facts.versionText).toMatch(/^1[58]\.\d+$/)
    expect(facts.systemId).toMatch(/^\d+$/)
  })

  test('a role with REPLICATION finds out which plugins there are, and leaves no slot behind', async () => {
    const db = await createDatabase(kind)
    const url = await createRole(db, 'replication')
    expect(await hasPlugin(url, 'pgoutput')).toBe(true)
    expect(await hasPlugin(url, 'wal2json')).toBe(kind === 'pg15')
    const listed = await db.query(`select from pg_settings where name = 'output_plugin_libraries'`)
    const unknown = await hasPlugin(url, 'no such plugin').catch((error: unknown) => (error as Error).message)
    expect(unknown).toBe(listed.length === 0 ? false : 'library "no such plugin" may not be used as an output plugin')
    expect(await db.query('select * from pg_replication_slots where database = current_database()')).toEqual([])
  })

  test('an open transaction does not keep that from being found out', async () => {
    const db = await createDatabase(kind)
    const blocker = await db.client()
    await blocker.query('begin')
    await blocker.query('select pg_current_xact_id()')
    expect(await hasPlugin(db.url, 'pgoutput')).toBe(true)
    await waitFor(async () => {
      const slots = await db.query('select from pg_replication_slots where database = current_database()')
      return slots.length === 0
    })
  })

  test('a role without REPLICATION is told how to get it', async () => {
    const db = await createDatabase(kind)
    const url = await createRole(db)
    const error: unknown = await hasPlugin(url, 'pgoutput').catch((cause: unknown) => cause)
    expect(explainConnectError(error, url)).toMatchObject({
      code: 'HOOKD_DATABASE_AUTH',
      message: expect.stringContaining(`ALTER ROLE "role_${db.name}" REPLICATION;`),
    })
  })

  test.each([
    ['a database that is missing', (url: URL) => (url.pathname = '/nowhere'), 'HOOKD_DATABASE_MISSING'],
    ['a role that is missing', (url: URL) => (url.username = 'nobody_here'), 'HOOKD_DATABASE_AUTH'],
    ['a port where nobody listens', (url: URL) => (url.port = '1'), 'HOOKD_DATABASE_UNREACHABLE'],
    ['TLS that the server lacks', (url: URL) => url.searchParams.set('sslmode', 'verify-full'), 'HOOKD_DATABASE_TLS'],
  ])('%s is explained', async (_what, change, code) => {
    const db = await createDatabase(kind)
    const url = new URL(db.url)
    change(url)
    const error: unknown = await withClient({ connectionString: url.href }, readServerFacts).catch(
      (cause: unknown) => cause,
    )
    expect(explainConnectError(error, url.href)).toMatchObject({ code })
  })

  test('the position of the server comes with the history of its timeline', async () => {
    const server = await startServer(kind)
    const before = await withClient(replicationConfig(server.url()), readServerPosition)
    expect(before).toMatchObject({ database: 'postgres', timeline: 1, history: [] })
    await server.stop('fast')
    writeFileSync(join(server.dataDir, 'standby.signal'), '')
    await server.start()
    await withClient({ connectionString: server.url() }, (client) => client.query('select pg_promote()'))
    const after = await withClient(replicationConfig(server.url()), readServerPosition)
    expect(after).toMatchObject({ systemId: before.systemId, timeline: 2 })
    expect(after.history).toEqual([{ timeline: 1, end: expect.any(BigInt) }])
    expect(after.history[0]!.end).toBeGreaterThanOrEqual(before.walEnd)
    expect(after.walEnd).toBeGreaterThanOrEqual(after.history[0]!.end)
    const facts = await withClient({ connectionString: server.url() }, readServerFacts)
    expect(facts).toMatchObject({ timeline: 2, systemId: before.systemId })
  })

  test('a connection to a server that does not answer is cut', async () => {
    const server = await startServer(kind)
    const client = new pg.Client(server.url())
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query('select pg_backend_pid() as pid')
    process.kill(rows[0].pid, 'SIGSTOP')
    try {
      const started = performance.now()
      await closeClient(client, 50)
      expect(performance.now() - started).toBeLessThan(1000)
    } finally {
      process.kill(rows[0].pid, 'SIGCONT')
    }
  })
})
