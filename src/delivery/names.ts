import { lookup, Resolver } from 'node:dns/promises'
import { DialError, codeOf } from './failures.ts'
import { HostsFile } from './hosts-file.ts'
import { localAddresses } from './recipients.ts'

export interface NamesOptions {
  /** DNS servers, `127.0.0.1:5353`. Default: those of the machine. */
  readonly servers?: readonly string[]
  /** How long one name may take. Default 5 s. */
  readonly timeoutMs?: number
  /** Default `/etc/hosts`. */
  readonly hostsFile?: string
  /** Asked for names that DNS does not know. Default `getaddrinfo`, which knows search domains, mDNS and the like. */
  readonly system?: (host: string) => Promise<readonly string[]>
}

interface Entry {
  readonly addresses: Promise<readonly string[]>
  /** Monotonic milliseconds. */
  expiresAt: number
}

interface Found {
  readonly addresses: readonly string[]
  readonly ttlMs: number
}

const DEFAULT_TIMEOUT_MS = 5000
const LONGEST_PROBE_MS = 1000
const SHORTEST_TTL_MS = 1000
const LONGEST_TTL_MS = 30_000
const FAILURE_TTL_MS = 2000
const MOST_ENTRIES = 1000
/** How long to wait for the other address family once one has answered (RFC 8305 has 50 ms; resolvers vary). */
const OTHER_FAMILY_MS = 250

/**
 * Resolves host names without the four threads of `getaddrinfo`, which a slow DNS server would fill.
 *
 * In order: `localhost` and its subdomains (RFC 6761), the hosts file, DNS, and where DNS does not know the name the
 * system, one name at a time. Answers are kept for their TTL, between 1 and 30 s; failures for 2 s.
 */
export class Names {
  readonly #options: NamesOptions
  readonly #hosts: HostsFile
  readonly #timeoutMs: number
  readonly #cache = new Map<string, Entry>()
  #resolver: Resolver
  #systemTurn: Promise<unknown> = Promise.resolve()

  constructor(options: NamesOptions = {}) {
    this.#options = options
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.#hosts = new HostsFile(options.hostsFile ?? '/etc/hosts')
    this.#resolver = this.#makeResolver()
  }

  /** All addresses of a name. Rejects with `DialError`: `dns_error`, or `internal` where no DNS server answers. */
  resolve(host: string): Promise<readonly string[]> {
    const now = performance.now()
    const cached = this.#cache.get(host)
    if (cached !== undefined && now < cached.expiresAt) return cached.addresses
    this.#cache.delete(host)
    if (this.#cache.size >= MOST_ENTRIES) this.#cache.delete(this.#cache.keys().next().value!)
    const found = this.#find(host)
    const entry: Entry = { addresses: found.then(({ addresses }) => addresses), expiresAt: Infinity }
    this.#cache.set(host, entry)
    found.then(
      ({ ttlMs }) => (entry.expiresAt = performance.now() + ttlMs),
      () => (entry.expiresAt = performance.now() + FAILURE_TTL_MS),
    )
    return entry.addresses
  }

  /** Ends what is still asked for. */
  close(): void {
    this.#resolver.cancel()
  }

  async #find(host: string): Promise<Found> {
    const local = localAddresses(host) ?? (await this.#hosts.addresses(host))
    if (local.length > 0) return { addresses: local, ttlMs: SHORTEST_TTL_MS }
    try {
      return await within(this.#timeoutMs, this.#askDns(host))
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOTFOUND') return await this.#askSystem(host)
      throw await this.#explain(host, code)
    }
  }

  async #askDns(host: string): Promise<Found> {
    const v4 = this.#resolver.resolve4(host, { ttl: true })
    const v6 = this.#resolver.resolve6(host, { ttl: true })
    const results = await Promise.all([settled(v4, v6), settled(v6, v4)])
    const records = results.flatMap((result) => result.records)
    if (records.length === 0) throw failureOf(results)
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl * 1000))
    return {
      addresses: records.map(({ address }) => address),
      ttlMs: Math.min(Math.max(ttlMs, SHORTEST_TTL_MS), LONGEST_TTL_MS),
    }
  }

  /** One at a time, so that it never takes more than one thread. */
  async #askSystem(host: string): Promise<Found> {
    const system = this.#options.system ?? systemLookup
    const answer = this.#systemTurn.then(() => system(host))
    this.#systemTurn = answer.catch(() => {})
    try {
      const addresses = await within(this.#timeoutMs, answer)
      if (addresses.length > 0) return { addresses, ttlMs: SHORTEST_TTL_MS }
    } catch {
      // DNS has already said that the name does not exist.
    }
    throw new DialError('dns_error', `the name ${host} does not exist`)
  }

  /** Tells a name that cannot be resolved from a machine that has no DNS. */
  async #explain(host: string, code: string): Promise<DialError> {
    if (code === 'ENODATA') return new DialError('dns_error', `the name ${host} has no address`)
    if (code !== 'ETIMEOUT' && code !== 'ECONNREFUSED') {
      return new DialError('dns_error', `DNS failed for ${host}${code === '' ? '' : ` (${code})`}`)
    }
    if (await this.#isUp()) return new DialError('dns_error', `DNS gave no answer for ${host} in time`)
    this.#resolver = this.#makeResolver()
    return new DialError('internal', 'no DNS server answers')
  }

  /** Every DNS server says something about the root, be it a refusal. */
  async #isUp(): Promise<boolean> {
    try {
      await within(Math.min(LONGEST_PROBE_MS, this.#timeoutMs), this.#resolver.resolveNs('.'))
      return true
    } catch (error) {
      return !['ETIMEOUT', 'ECONNREFUSED'].includes(codeOf(error))
    }
  }

  /** A new one reads the machine's configuration again. */
  #makeResolver(): Resolver {
    const resolver = new Resolver({ timeout: 1000, tries: 3 })
    if (this.#options.servers !== undefined) resolver.setServers([...this.#options.servers])
    return resolver
  }
}

interface Records {
  readonly records: readonly { readonly address: string; readonly ttl: number }[]
  readonly error: unknown
}

/** What one family gave, or nothing once the other one has answered and a moment has passed. */
async function settled(mine: Promise<Records['records']>, other: Promise<Records['records']>): Promise<Records> {
  const done = mine.then(
    (records): Records => ({ records, error: null }),
    (error: unknown): Records => ({ records: [], error }),
  )
  const overdue = other.then(
    () => within(OTHER_FAMILY_MS, done),
    () => done,
  )
  return Promise.race([done, overdue]).catch((error: unknown) => ({ records: [], error }))
}

/** Why there is no address; a name that leads to others in a circle gives no error at all. */
function failureOf(results: readonly Records[]): Error {
  const error = results.map((result) => result.error).find((each) => each !== null && codeOf(each) !== 'ENODATA')
  return error instanceof Error ? error : Object.assign(new Error('no address'), { code: 'ENODATA' })
}

/** Rejects with code ETIMEOUT where a promise takes too long. */
async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(Object.assign(new Error('too slow'), { code: 'ETIMEOUT' })), timeoutMs)
  try {
    return await Promise.race([promise, expired])
  } finally {
    clearTimeout(timer)
  }
}

async function systemLookup(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}
