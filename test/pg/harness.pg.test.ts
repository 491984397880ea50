import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { createDatabase, SERVER_KINDS, startServer } from '../support/postgres.ts'
import { waitFor } from '../support/wait.ts'

describe.each(SERVER_KINDS)('on %s', (kind) => {
  test('the shared server has settings far from those hookd needs', async () => {
    const db = await createDatabase(kind)
    const client = new pg.Client(db.url)
    await client.connect()
    const { rows } = await client.query(`select name, setting from pg_settings where name in ('TimeZone', 'DateStyle')`)
    await client.end()
    expect(rows).toEqual([
      { name: 'DateStyle', setting: 'German, DMY' },
      { name: 'TimeZone', setting: 'Asia/Kolkata' },
    ])
  })

  test('dropping a database drops its slots, also one that somebody reads', async () => {
    const db = await createDatabase(kind)
    const slot = `${db.name}_slot`
    await db.query('select pg_create_logical_replication_slot($1, $2)', [slot, db.plugin])
    const options: pg.ClientConfig & { replication: string } = { connectionString: db.url, replication: 'database' }
    const reader = new pg.Client(options)
    reader.on('error', () => {})
    await reader.connect()
    const publication = kind === 'pg18' ? ` (proto_version '1', publication_names 'none')` : ''
    void reader.query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0${publication}`).catch(() => {})
    await waitFor(async () => {
      const [row] = await db.query('select active from pg_replication_slots where slot_name = $1', [slot])
      return row.active
    })

    await db.drop()

    const admin = await createDatabase(kind)
    expect(await admin.query('select 1 from pg_replication_slots where slot_name = $1', [slot])).toEqual([])
    expect(await admin.query('select 1 from pg_database where datname = $1', [db.name])).toEqual([])
  })

  test('a server of its own takes settings, and keeps port and rows through a crash', async () => {
    const server = await startServer(kind, { settings: { wal_sender_timeout: '2s' } })
    const db = await server.createDatabase()
    await db.query('create table a as select 1 as x')
    await server.stop('immediate')
    await expect(db.query('select 1')).rejects.toThrow(/ECONNREFUSED|terminat/)
    await server.start()
    expect(await db.query('select x from a')).toEqual([{ x: 1 }])
    expect(await db.query('show wal_sender_timeout')).toEqual([{ wal_sender_timeout: '2s' }])
  })

  // The guard is the same for every server.
  if (kind !== SERVER_KINDS.at(-1)) return

  test('a server dies with the process that started it, and its folder goes', async () => {
    const program = `
      import { Server } from ${JSON.stringify(new URL('../support/server.ts', import.meta.url).href)}
      const server = await Server.create('${kind}')
      console.log('folder', server.dataDir, 'pid', server.pid)
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
    let output = ''
    child.stdout.on('data', (chunk) => (output += String(chunk)))
    const [, dataDir = '', pid] = await waitFor(() => /folder (\S+) pid (\d+)/.exec(output), { timeoutMs: 25_000 })
    expect(existsSync(dataDir)).toBe(true)

    child.kill('SIGKILL')

    await waitFor(() => !existsSync(dirname(dataDir)), { what: 'the folder to go' })
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH')
  })
})
