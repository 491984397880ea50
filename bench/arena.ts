import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { ServerKind } from '../test/support/binaries.ts'
import type { Database, Plugin } from '../test/support/database.ts'
import { guard } from '../test/support/guard.ts'
import { Server } from '../test/support/server.ts'
import { waitFor } from '../test/support/wait.ts'
import { launchHookd } from './programs.ts'
import { PUBLICATION, SCHEMA, type Workload, YAML } from './workload.ts'

/** The server of each plugin: wal2json comes with Debian's PostgreSQL, and the newest PostgreSQL has pgoutput alone. */
const KIND_OF: Readonly<Record<Plugin, ServerKind>> = { wal2json: 'pg15', pgoutput: 'pg18' }

/** Durable as in production; large enough that no checkpoint falls into a measurement. */
const SETTINGS = {
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  max_slot_wal_keep_size: '50GB',
  shared_preload_libraries: 'pg_stat_statements',
}

/** Starts a server of its own for the plugin. */
export async function startServer(plugin: Plugin): Promise<Server> {
  return Server.create(KIND_OF[plugin], { settings: SETTINGS })
}

/** Where a backlog ends, and how many changes it has. */
export interface Backlog {
  readonly endLsn: string
  readonly count: number
}

/** A database with hookd's schema and a backlog that any number of readers can read, each from a slot of its own. */
export class Arena implements AsyncDisposable {
  readonly server: Server
  readonly database: Database
  readonly plugin: Plugin
  readonly publication = PUBLICATION
  readonly #folder = mkdtempSync(join(tmpdir(), 'hookd-bench-'))
  readonly #cleanUp = guard('rm -rf "$1"', [this.#folder])
  #slots = 0
  #configs = 0

  private constructor(server: Server, database: Database, plugin: Plugin) {
    this.server = server
    this.database = database
    this.plugin = plugin
  }

  /** Installs everything by letting hookd itself do it. */
  static async open(server: Server, plugin: Plugin): Promise<Arena> {
    const arena = new Arena(server, await server.createDatabase(), plugin)
    await arena.database.query(SCHEMA)
    await arena.database.query('create extension pg_stat_statements')
    const hookd = launchHookd(arena, { slot: 'hookd_setup', config: arena.writeConfig() })
    await hookd.ready
    await hookd.stop()
    await arena.dropSlot('hookd_setup')
    return arena
  }

  /** hookd.yaml: the events, loopback allowed, and `extra` lines. Gives its path. */
  writeConfig(extra = ''): string {
    const path = join(this.#folder, `hookd-${++this.#configs}.yaml`)
    writeFileSync(path, YAML + extra)
    return path
  }

  /** Writes so many changes, which all copies of one slot then read. Subscribers may change only when this is done. */
  async load(workload: Workload, count: number): Promise<Backlog> {
    const client = await this.#connect()
    try {
      for (const statement of workload.prepare(count)) await client.query(statement)
      await this.#makeBase()
      for (const statement of workload.write(count)) await client.query(statement)
      const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn')
      // Whoever reads up to the position above notices it by a message behind it.
      await client.query(`select pg_logical_emit_message(true, 'bench', 'end')`)
      await client.query('checkpoint')
      return { endLsn: rows[0]!.lsn, count }
    } finally {
      await client.end()
    }
  }

  /** A slot at the start of the backlog. */
  async slotAtStart(): Promise<string> {
    const name = this.#nextSlot()
    await this.database.query('select pg_copy_logical_replication_slot($1, $2)', [this.#base, name])
    return name
  }

  /** A slot that begins now. */
  async slotAtEnd(): Promise<string> {
    const name = this.#nextSlot()
    await this.database.query('select pg_create_logical_replication_slot($1, $2)', [name, this.plugin])
    return name
  }

  /** Waits until somebody reads the slot. */
  async inUse(slot: string): Promise<void> {
    await waitFor(async () => (await this.#isActive(slot)) === true, { what: `a reader of ${slot}`, timeoutMs: 30_000 })
  }

  /** Removes the slot, once nobody reads it any more, and what hookd remembers of it. */
  async dropSlot(slot: string): Promise<void> {
    await waitFor(async () => (await this.#isActive(slot)) === false, {
      what: `the reader of ${slot} to go`,
      timeoutMs: 60_000,
    })
    await this.database.query('select pg_drop_replication_slot($1)', [slot])
    await this.database.query('delete from hookd.progress where slot = $1', [slot])
    await this.database.query('delete from hookd.directory where slot = $1', [slot])
  }

  /** How many deliveries hookd has in its tables. */
  async countDeliveries(): Promise<number> {
    const [row] = await this.database.query('select count(*)::int as count from hookd.deliveries')
    return (row as { count: number }).count
  }

  /** Removes what a run has left, since the same changes have the same ids in the next one. */
  async forgetDeliveries(): Promise<void> {
    await this.database.query('truncate hookd.deliveries, hookd.messages, hookd.attempts, hookd.errors cascade')
  }

  /** Writes `count` changes at a steady pace from several sessions, as many applications do; resolves when all are done. */
  async writeLive(workload: Workload, { count, perSecond }: { count: number; perSecond: number }): Promise<void> {
    const session = async () => {
      const client = await this.#connect()
      try {
        await client.query(`call ${workload.live}(${count / WRITERS}, ${perSecond / WRITERS})`)
      } finally {
        await client.end()
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, session))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.drop()
    await this.#cleanUp.run()
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.database.url })
    await client.connect()
    return client
  }

  async #makeBase(): Promise<void> {
    if ((await this.#isActive(this.#base)) !== null) await this.dropSlot(this.#base)
    await this.database.query('select pg_create_logical_replication_slot($1, $2)', [this.#base, this.plugin])
  }

  /** Null: there is no such slot. */
  async #isActive(slot: string): Promise<boolean | null> {
    const [row] = await this.database.query('select active from pg_replication_slots where slot_name = $1', [slot])
    return row === undefined ? null : (row as { active: boolean }).active
  }

  #nextSlot(): string {
    return `${this.#base}_${++this.#slots}`
  }

  get #base(): string {
    return `base_${this.database.name}`
  }
}

/** Sessions that write at a steady pace; `count` must be a multiple. */
export const WRITERS = 4
