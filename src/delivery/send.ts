import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { RecipientPolicy } from '../matching/event.ts'
import { Connections } from './connections.ts'
import { Deadlines } from './deadlines.ts'
import { Exchange, type ExchangePorts, type Route } from './exchange.ts'
import { Names, type NamesOptions } from './names.ts'
import type { Answer } from './outcome.ts'
import { judgeUrl, type Target, type Verdict } from './recipients.ts'
import type { WebhookRequest } from './request.ts'

export interface SenderOptions {
  /** Sockets to one origin. Default 64; requests beyond that stand in line. */
  readonly socketsPerOrigin?: number
  /** Sockets altogether. Default 1024. */
  readonly sockets?: number
  /** For TCP and TLS together. Default 5 s. */
  readonly connectTimeoutMs?: number
  /** How late a deadline may be noticed. Default 100 ms. */
  readonly tickMs?: number
  /** PEM certificates to trust beside the machine's. Default none. */
  readonly ca?: readonly string[]
  readonly dns?: NamesOptions
  /** Asked right before each request goes out; one that may not ends as `internal`. Default: always. */
  readonly mayStart?: () => boolean
  /** Called when a kept connection had gone stale and a request goes out again on a new one. */
  readonly onRedial?: (host: string) => void
}

type Judged = Extract<Verdict, { kind: 'refused' }> | ({ readonly kind: 'allowed' } & Route)

const DEFAULTS = { socketsPerOrigin: 64, sockets: 1024, connectTimeoutMs: 5000, tickMs: 100 }
const MOST_ROUTES = 10_000

/**
 * Sends requests over kept HTTP/1.1 connections, to targets that their policy allows.
 *
 * Follows no redirect, inflates nothing, keeps no cookies and reads at most 16 KiB of an answer.
 */
export class Sender {
  readonly #names: Names
  readonly #connections: Connections
  readonly #deadlines: Deadlines<Exchange>
  readonly #ports: ExchangePorts
  /** What is known of a URL under a policy, so that it is parsed and judged once. */
  readonly #routes = new WeakMap<RecipientPolicy, Map<string, Judged>>()
  #isClosed = false

  constructor(options: SenderOptions = {}) {
    const { socketsPerOrigin, sockets, connectTimeoutMs, tickMs } = { ...DEFAULTS, ...options }
    this.#names = new Names(options.dns)
    let context: SecureContext | undefined
    this.#connections = new Connections(
      { perOrigin: socketsPerOrigin, total: sockets },
      {
        resolve: (host) => this.#names.resolve(host),
        connectTimeoutMs,
        secureContext: () => (context ??= trusting(options.ca ?? [])),
      },
    )
    this.#deadlines = new Deadlines(tickMs)
    this.#ports = {
      connections: this.#connections,
      deadlines: this.#deadlines,
      mayStart: options.mayStart ?? (() => true),
      onRedial: options.onRedial ?? (() => {}),
    }
  }

  /** Sends one request and resolves whatever happens; never rejects. */
  send(request: WebhookRequest): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const route = this.#isClosed ? null : this.#route(request.url, request.recipients)
    if (route === null) {
      resolve({ kind: 'failure', failure: 'internal', message: 'hookd is stopping', durationMs: 0 })
    } else if (route.kind === 'refused') {
      resolve({ kind: 'failure', failure: route.failure, message: route.reason, durationMs: 0 })
    } else {
      new Exchange(request, route, { ports: this.#ports, resolve }).start()
    }
    return promise
  }

  /** Cuts every connection; requests in flight end as `internal`. Wait for them first to end them properly. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const exchange of this.#deadlines.pending()) exchange.cancel()
    this.#deadlines.stop()
    this.#names.close()
    await this.#connections.close()
  }

  #route(url: string, policy: RecipientPolicy): Judged {
    let routes = this.#routes.get(policy)
    if (routes === undefined) this.#routes.set(policy, (routes = new Map()))
    const known = routes.get(url)
    if (known !== undefined && (known.kind === 'refused' || !known.endpoint.isGone)) return known
    if (routes.size >= MOST_ROUTES) routes.clear()
    const verdict = judgeUrl(url, policy)
    const route: Judged = verdict.kind === 'refused' ? verdict : this.#allowed(verdict.target, policy)
    routes.set(url, route)
    return route
  }

  #allowed(target: Target, policy: RecipientPolicy): Judged {
    return { kind: 'allowed', endpoint: this.#connections.endpoint(target, policy), path: target.path }
  }
}

/** One context for all connections: making one parses every certificate it trusts. */
function trusting(ca: readonly string[]): SecureContext {
  return createSecureContext(ca.length === 0 ? {} : { ca: [...getCACertificates('default'), ...ca] })
}
