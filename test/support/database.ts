import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { ServerKind } from './binaries.ts'
import { waitFor } from './wait.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- rows of whatever statement a test writes
export type Rows = any[]

/** A fresh, empty database that one test has for itself. */
export interface Database {
  /** What hookd gets: nothing is pinned in it, the server's own settings apply. */
  readonly url: string
  readonly name: string
  readonly kind: ServerKind
  /** The output plugin that hookd picks on this server by itself. */
  readonly plugin: Plugin
  query(sql: string, params?: readonly unknown[]): Promise<Rows>
  /** A connection of its own, for transactions; closed by `drop()`. */
  client(): Promise<pg.Client>
  /** Removes the database and its slots, whoever uses them; a server that is down is left alone. */
  drop(): Promise<void>
}

export type Plugin = 'wal2json' | 'pgoutput'

/** Names the output plugin of a server kind. */
export function pluginOf(kind: ServerKind): Plugin {
  return kind === 'pg15' ? 'wal2json' : 'pgoutput'
}

/** Creates a database on the server behind `serverUrl`, by default with its encoding. */
export async function createDatabaseAt(serverUrl: string, kind: ServerKind, encoding?: string): Promise<Database> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const source = encoding === undefined ? '' : `encoding ${encoding} template template0`
  // Copied as files it writes no WAL, which every reader of every slot would have to pass.
  await once(serverUrl, (client) => client.query(`create database ${name} strategy file_copy ${source}`))
  const url = new URL(`/${name}`, serverUrl).href
  const pool = new pg.Pool({ ...connection(url), max: 4 })
  pool.on('error', () => {}) // a server that a test stops closes idle connections
  const clients = new Set<pg.Client>()
  return {
    url,
    name,
    kind,
    plugin: pluginOf(kind),
    async query(sql, params = []) {
      const { rows } = await pool.query<Rows[number]>(sql, [...params])
      return rows
    },
    async client() {
      const client = new pg.Client(connection(url))
      client.on('error', () => {})
      await client.connect()
      clients.add(client)
      return client
    },
    async drop() {
      if (!pool.ending) await Promise.all([pool.end(), ...[...clients].map((client) => client.end())])
      await once(serverUrl, (client) => dropWithSlots(client, name)).catch((error: unknown) => {
        if (!isRefused(error)) throw error
      })
    },
  }
}

/** Tests read times as Date, which the server's own DateStyle may forbid. */
function connection(url: string): pg.ClientConfig {
  return { connectionString: url, options: '-c DateStyle=ISO', connectionTimeoutMillis: 5000 }
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}

async function once<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(connection(url))
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

async function dropWithSlots(client: pg.Client, name: string): Promise<void> {
  await waitFor(
    async () => {
      await client.query(
        `select pg_terminate_backend(active_pid) from pg_replication_slots where database = $1 and active`,
        [name],
      )
      await client.query(
        `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1 and not active`,
        [name],
      )
      await client.query(`drop database if exists ${name} with (force)`)
      return true
    },
    { what: `the slots of ${name} to go` },
  )
}
