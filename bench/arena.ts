import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findBinaries, PG15_MISSING, type ServerKind } from '../test/support/binaries.ts'
import type { Database, Plugin } from '../test/support/database.ts'
import { Server } from '../test/support/server.ts'
import { launchHookd } from './programs.ts'
import { PUBLICATION, SCHEMA, type Shape, YAML } from './workload.ts'

/** The server of each plugin: wal2json comes with Debian's PostgreSQL, and the newest PostgreSQL has pgoutput alone. */
const KIND_OF: Readonly<Record<Plugin, ServerKind>> = { wal2json: 'pg15', pgoutput: 'pg18' }

/** Durable as in production; large enough that no checkpoint falls into a measurement. */
const SETTINGS = {
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  shared_preload_libraries: 'pg_stat_statements',
}

/** Starts a server of its own for the plugin. */
export async function startServer(plugin: Plugin): Promise<Server> {
  return Server.create(KIND_OF[plugin], { settings: SETTINGS })
}

/** PostgreSQL's own client; the embedded server has none, and the older client reads from the newer server. */
export async function recvlogicalProgram(): Promise<string> {
  const binaries = await findBinaries('pg15')
  if (binaries === null) throw new Error(PG15_MISSING)
  return join(binaries.bin, 'pg_recvlogical')
}

/** A database with hookd's schema and a backlog that any number of readers can read, each from a slot of its own. */
export class Arena implements AsyncDisposable {
  readonly server: Server
  readonly database: Database
  readonly plugin: Plugin
  readonly folder: string
  #slots = 0

  private constructor(server: Server, database: Database, plugin: Plugin) {
    this.server = server
    this.database = database
    this.plugin = plugin
    this.folder = mkdtempSync(join(tmpdir(), 'hookd-bench-'))
  }

  /** Installs everything, by letting hookd itself do it, and makes the slot that all others are copies of. */
  static async open(server: Server, plugin: Plugin): Promise<Arena> {
    const arena = new Arena(server, await server.createDatabase(), plugin)
    await arena.database.query(SCHEMA)
    await arena.database.query('create extension pg_stat_statements')
    const hookd = launchHookd(arena, { slot: 'hookd_setup', config: arena.writeConfig('') })
    await hookd.ready
    await hookd.stop()
    await arena.dropSlot('hookd_setup')
    await arena.startBacklog()
    return arena
  }

  /** hookd.yaml: the events, loopback allowed, and `extra` lines. Gives its path. */
  writeConfig(extra: string): string {
    const path = join(this.folder, `hookd-${Buffer.from(extra).toString('hex').slice(-40)}.yaml`)
    writeFileSync(path, YAML + extra)
    return path
  }

  /** From here on everything is in the backlog. Subscribers change only before it or after all of it. */
  async startBacklog(): Promise<void> {
    const { rows } = await this.#query(`select 1 from pg_replication_slots where slot_name = '${this.#base}'`)
    if (rows.length > 0) await this.dropSlot(this.#base)
    await this.#query(`select pg_create_logical_replication_slot('${this.#base}', '${this.plugin}')`)
  }

  /** Writes `count` changes; gives the position behind them. */
  async load(shape: Shape, count: number): Promise<string> {
    const client = await this.database.client()
    for (const statement of shape.write(count)) await client.query(statement)
    const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn')
    // Whoever reads up to the position above notices it by a message behind it.
    await client.query(`select pg_logical_emit_message(true, 'bench', 'end')`)
    await client.query('checkpoint')
    return rows[0]!.lsn
  }

  /** A slot at the start of the backlog. */
  async newSlot(): Promise<string> {
    const name = `${this.#base}_${++this.#slots}`
    await this.#query(`select pg_copy_logical_replication_slot('${this.#base}', '${name}')`)
    return name
  }

  /** Waits until nobody reads it any more. */
  async dropSlot(name: string): Promise<void> {
    await this.#query(
      `do $$ begin
         for i in 1..600 loop
           exit when not exists (select from pg_replication_slots where slot_name = '${name}' and active);
           perform pg_sleep(0.05);
         end loop;
       end $$`,
    )
    await this.#query(`select pg_drop_replication_slot('${name}')`)
    await this.#query(`delete from hookd.progress where slot = '${name}'`)
  }

  /** Removes what a run has left, since the same changes have the same ids in the next one. */
  async forgetDeliveries(): Promise<void> {
    await this.#query('truncate hookd.deliveries, hookd.messages, hookd.attempts, hookd.errors cascade')
  }

  get publication(): string {
    return PUBLICATION
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.drop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  get #base(): string {
    return `base_${this.database.name}`
  }

  async #query(sql: string): Promise<{ rows: unknown[] }> {
    return { rows: await this.database.query(sql) }
  }
}

/** Runs a program to its end; gives the milliseconds that it took. */
export async function timeProgram(program: string, args: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  await promisify(execFile)(program, [...args])
  return performance.now() - startedAt
}
