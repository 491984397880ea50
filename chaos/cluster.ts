import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Plugin } from '../test/support/database.ts'
import { serverFolder } from '../test/support/server-folder.ts'
import { Server } from '../test/support/server.ts'
import { WalDisk } from './wal-disk.ts'

const PROGRAM = fileURLToPath(new URL('../bin/hookd.js', import.meta.url))
const SCHEMA = readFileSync(new URL('schema.sql', import.meta.url), 'utf8')

/**
 * Crashes here are those of processes, so what the kernel has been given is safe: no fsync, no full pages. Checkpoints are
 * rare, so that a crash sets the slots far back.
 */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  checkpoint_timeout: '1h',
  max_wal_size: '256MB',
  min_wal_size: '32MB',
  max_connections: '60',
  max_replication_slots: '5',
  max_wal_senders: '8',
  deadlock_timeout: '200ms',
}

/** The server that a run has for itself, with the tables of the workload. */
export class Cluster {
  readonly server: Server
  /** Null where this user may not mount one. */
  readonly disk: WalDisk | null
  readonly #admin: pg.Pool

  private constructor(server: Server, disk: WalDisk | null) {
    this.server = server
    this.disk = disk
    this.#admin = new pg.Pool({ connectionString: server.url(), max: 8, connectionTimeoutMillis: 5000 })
    this.#admin.on('error', () => {})
  }

  /** PostgreSQL 15 with wal2json, or PostgreSQL 18 from npm, which has pgoutput alone. */
  static async create(plugin: Plugin): Promise<Cluster> {
    const kind = plugin === 'wal2json' ? 'pg15' : 'pg18'
    const server = await Server.create(kind, { settings: SETTINGS, parent: serverFolder() })
    const disk = WalDisk.mount()
    const cluster = new Cluster(server, disk)
    try {
      if (disk) {
        await server.stop('fast')
        disk.take(server.dataDir)
        await server.start()
      }
      const { PATH = '', HOME = '' } = process.env
      const env = { PATH, HOME, DATABASE_URL: server.url() }
      await promisify(execFile)(process.execPath, [PROGRAM, 'migrate'], { env })
      await cluster.query(SCHEMA)
      await cluster.query(`select pg_create_logical_replication_slot('chaos_oracle', 'pgoutput')`)
      return cluster
    } catch (error) {
      await cluster.destroy()
      throw error
    }
  }

  /** Past the proxy; rejects while the server is away. */
  async query<Row extends pg.QueryResultRow>(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#admin.query<Row>({ text: sql, ...(params.length > 0 && { values: [...params] }) })
    return rows
  }

  /** A connection of a writer. */
  async client(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.server.url(), connectionTimeoutMillis: 5000 })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  async destroy(): Promise<void> {
    await this.#admin.end().catch(() => undefined)
    await this.server.destroy()
    await this.disk?.unmount()
  }
}
