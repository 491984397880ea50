import pg from 'pg'
import { HookdError } from '../errors.ts'
import { Client, type SessionConfig } from './client.ts'
import { parseHosts } from './hosts.ts'
import { Route } from './route.ts'

export interface SessionOptions {
  /** Server settings of the session by name; they win over the defaults here and over the URL's `options`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Milliseconds; 0 is no limit. Default 30 s. */
  readonly statementTimeoutMs?: number
  /** Milliseconds, for name resolution, TCP, TLS and log-in together. Default 10 s. */
  readonly connectTimeoutMs?: number
}

/** How values become text, whatever the server, the database or the role have set; see `to_jsonb` under TimeZone UTC. */
const SESSION_SETTINGS = {
  client_encoding: 'UTF8',
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  extra_float_digits: '1', // the shortest form that reads back as the same number
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
}

/** A statement that the server cannot answer any more, say behind a cut network, fails this much after its timeout. */
const ANSWER_GRACE_MS = 5000

/** For a server that does not answer, before the next one of the URL is tried. */
const TRY_MS = 3000

/** One for each URL with several servers, so that whatever uses it goes to the same one. */
const routes = new Map<string, Route>()

/**
 * What `Client` needs to connect as hookd does. Throws HookdError HOOKD_DATABASE_URL for a URL that cannot be read;
 * the password is in `connectionString` alone.
 */
export function clientConfig(databaseUrl: string, options: SessionOptions = {}): SessionConfig {
  const { settings = {}, statementTimeoutMs = 30_000, connectTimeoutMs = 10_000 } = options
  const route = routeOf(databaseUrl)
  return {
    ...(route && { route }),
    connectionString: withSettings(parseHosts(databaseUrl).urls[0], { ...SESSION_SETTINGS, ...settings }),
    fallback_application_name: 'hookd',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 1000,
    ...(statementTimeoutMs > 0 && {
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
    }),
  }
}

/** A session that may also run the commands of the replication protocol; it takes no query parameters. */
export interface ReplicationConfig extends SessionConfig {
  readonly replication: 'database'
}

/** As `clientConfig`, for a walsender: Postgres applies no statement timeout there. */
export function replicationConfig(databaseUrl: string, options: SessionOptions = {}): ReplicationConfig {
  return { ...clientConfig(databaseUrl, { ...options, statementTimeoutMs: 0 }), replication: 'database' }
}

/** The same for a library that makes a session of the driver by itself: for the server that is the right one now. */
export async function atOneServer(config: ReplicationConfig): Promise<ReplicationConfig> {
  const { route, ...rest } = config
  if (route === undefined) return config
  const { host, port } = await route.find()
  const url = new URL(config.connectionString!)
  url.host = `${host.includes(':') ? `[${host}]` : encodeURIComponent(host)}:${port}`
  return { ...rest, connectionString: url.href }
}

/** A pool of sessions. A connection that breaks while idle leaves it silently; the next query opens another. */
export function createPool(databaseUrl: string, options: SessionOptions & { readonly max?: number } = {}): pg.Pool {
  const pool = new pg.Pool({ ...clientConfig(databaseUrl, options), Client, max: options.max ?? 4 })
  pool.on('error', () => {})
  return pool
}

/**
 * Lends a connection of the pool to `use`. One that failed is closed rather than given back; one that breaks while it
 * is lent also rejects the query in flight, and must not end the process.
 */
export async function withPooled<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  const ignore = (): void => {}
  client.on('error', ignore)
  let hasFailed = true
  try {
    const result = await use(client)
    hasFailed = false
    return result
  } finally {
    client.off('error', ignore)
    client.release(hasFailed)
  }
}

/** Connects, lends the connection to `use`, and closes it whatever happens. */
export async function withClient<T>(config: SessionConfig, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new Client(config)
  client.on('error', () => {}) // also rejects the query in flight
  try {
    await client.connect()
    return await use(client)
  } finally {
    await closeClient(client)
  }
}

/** Closes a connection; cuts it where the server does not answer the goodbye within `graceMs`. Never rejects. */
export async function closeClient(client: pg.Client, graceMs = 500): Promise<void> {
  const cut = setTimeout(() => client.connection.stream.destroy(), graceMs)
  await client.end().catch(() => {})
  clearTimeout(cut)
}

/** The server process behind a connection, also behind one that replicates. */
export async function backendPid(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]!.pid
}

/** Ends what another session is doing, over a connection of its own: a waiting server does not notice a lost client. */
export async function cancelBackend(databaseUrl: string, pid: number): Promise<void> {
  await withClient(clientConfig(databaseUrl), (client) => client.query('select pg_cancel_backend($1)', [pid]))
}

/** `postgres://me:secret@db:5432/shop` -> where and as whom, without the password, for messages. */
export function describeTarget(databaseUrl: string): { address: string; database: string; role: string } {
  const targets = parseHosts(databaseUrl).urls.map(describeServer)
  return { ...targets[0]!, address: targets.map(({ address }) => address).join(', ') }
}

function describeServer(serverUrl: string): ReturnType<typeof describeTarget> {
  const url = parseDatabaseUrl(serverUrl)
  for (const name of ['sslcert', 'sslkey', 'sslrootcert', 'sslmode', 'ssl']) url.searchParams.delete(name)
  const { host, port, database = '', user = '' } = new pg.Client({ connectionString: url.href })
  return { address: `${host.includes(':') ? `[${host}]` : host}:${port}`, database, role: user }
}

/** Null where the URL names one server, to be taken as it is. */
function routeOf(databaseUrl: string): Route | null {
  const { urls, wanted } = parseHosts(databaseUrl)
  if (wanted === null) return null
  const known = routes.get(databaseUrl)
  if (known !== undefined) return known
  for (const url of urls) parseDatabaseUrl(url)
  const route = new Route({ urls, wanted, configOf: toTry })
  routes.set(databaseUrl, route)
  return route
}

function toTry(url: string): pg.ClientConfig {
  return { ...clientConfig(url, { connectTimeoutMs: TRY_MS }), query_timeout: TRY_MS }
}

/**
 * The driver lets what the URL says win over its other options, so that the settings have to go into the URL. Of two
 * `-c` for one setting the server takes the last.
 */
function withSettings(databaseUrl: string, settings: Readonly<Record<string, string>>): string {
  const url = parseDatabaseUrl(databaseUrl)
  const own = Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`)
  const asked = url.searchParams.get('options')
  url.searchParams.set('options', [...(asked ? [asked] : []), ...own].join(' '))
  return url.href
}

/** The driver treats these modes as verify-full and warns about it on every start, unless told to be lax as libpq is. */
function asVerifyFull(url: URL): void {
  const mode = url.searchParams.get('sslmode')
  if (url.searchParams.has('uselibpqcompat') || (mode !== 'require' && mode !== 'verify-ca')) return
  url.searchParams.set('sslmode', 'verify-full')
}

function parseDatabaseUrl(databaseUrl: string): URL {
  const url = URL.parse(databaseUrl)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new HookdError(
      'HOOKD_DATABASE_URL',
      'the database URL cannot be read; write postgres://user:password@host:5432/database, ' +
        'with @ : / ? # and % in the password percent-encoded (@ is %40).',
    )
  }
  asVerifyFull(url)
  return url
}
