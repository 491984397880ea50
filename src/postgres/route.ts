import pg from 'pg'
import { type SessionAttrs, unfitness } from './hosts.ts'
import { SqlState } from './sqlstate.ts'

/** A server that was tried, by its URL, and why it was not taken: an error, or a sentence. */
export interface TriedServer {
  readonly url: string
  readonly reason: Error | string
}

/** None of the servers of a database URL could be taken; SQLSTATE 08001, so that it counts as transient. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError'
  readonly code = SqlState.cannotEstablishConnection
  readonly wanted: SessionAttrs
  readonly tried: readonly TriedServer[]

  constructor(wanted: SessionAttrs, tried: readonly TriedServer[]) {
    const reasons = tried.map(({ url, reason }) => {
      return `${new URL(url).host}: ${typeof reason === 'string' ? reason : reason.message}`
    })
    super(`no server of the database URL fits target_session_attrs=${wanted}: ${reasons.join('; ')}`)
    this.wanted = wanted
    this.tried = tried
  }
}

/** A server by name, as the driver connects to it. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export interface RouteOptions {
  /** One URL a server, in the order to try them. */
  readonly urls: readonly string[]
  readonly wanted: SessionAttrs
  /** How to connect to one of them, to ask what it is. */
  configOf(url: string): pg.ClientConfig
}

/**
 * Which of several servers to connect to: all sessions of this process go to the same one.
 *
 * It stays with a server for as long as that answers and fits. When it moves to another, what is still connected to the
 * one before is cut.
 */
export class Route {
  readonly #options: RouteOptions
  #current: string | null = null
  #search: Promise<ServerAddress> | null = null
  readonly #sessions = new Set<() => void>()

  constructor(options: RouteOptions) {
    this.#options = options
  }

  /** The server to connect to now. Rejects with NoServerError. */
  find(): Promise<ServerAddress> {
    this.#search ??= this.#look().finally(() => {
      this.#search = null
    })
    return this.#search
  }

  /** Remembers a session of the current server, to `cut` it when the route moves; gives what forgets it again. */
  attach(cut: () => void): () => void {
    this.#sessions.add(cut)
    return () => this.#sessions.delete(cut)
  }

  async #look(): Promise<ServerAddress> {
    const { wanted, configOf } = this.#options
    const urls = this.#options.urls.toSorted((a, b) => Number(b === this.#current) - Number(a === this.#current))
    const tried: TriedServer[] = []
    let secondBest: { url: string; client: ServerAddress } | null = null
    for (const url of urls) {
      const client = new pg.Client(configOf(url))
      const reason = await askServer(client, wanted)
      if (reason === null) return this.#moveTo(url, client)
      tried.push({ url, reason })
      if (wanted === 'prefer-standby' && typeof reason === 'string') secondBest ??= { url, client }
    }
    if (secondBest !== null) return this.#moveTo(secondBest.url, secondBest.client)
    throw new NoServerError(wanted, tried)
  }

  #moveTo(url: string, { host, port }: ServerAddress): ServerAddress {
    if (this.#current !== null && this.#current !== url) for (const cut of this.#sessions) cut()
    this.#current = url
    return { host, port }
  }
}

/** Null where the server is as it is wanted. */
async function askServer(client: pg.Client, wanted: SessionAttrs): Promise<Error | string | null> {
  client.on('error', () => {}) // also rejects what is awaited
  try {
    await client.connect()
    const { rows } = await client.query<{ isStandby: boolean; isReadOnly: boolean }>(
      `select pg_is_in_recovery() as "isStandby", current_setting('transaction_read_only') = 'on' as "isReadOnly"`,
    )
    return unfitness(wanted, rows[0]!)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    client.end().catch(() => {})
  }
}
