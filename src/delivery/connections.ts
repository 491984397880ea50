import type { RecipientPolicy } from '../matching/event.ts'
import type { DialOptions } from './dial.ts'
import { Fifo } from './fifo.ts'
import { type Target, policyKey } from './recipients.ts'
import { Wire } from './wire.ts'

export interface ConnectionLimits {
  /** Sockets to one origin. */
  readonly perOrigin: number
  /** Sockets altogether. */
  readonly total: number
}

/**
 * The connections to one origin that were judged by one policy.
 *
 * Policies do not share sockets: one that an event may use is not for an event whose policy would have refused it.
 */
export interface Endpoint {
  readonly key: string
  readonly target: Target
  readonly policy: RecipientPolicy
  /** The one used last is lent first, so that the others can go idle. */
  readonly idle: Wire[]
  readonly waiting: Fifo<Waiter>
  /** Wires lent and idle. */
  size: number
  /** No longer known: it had no wires and nobody waiting. */
  isGone: boolean
}

interface Waiter {
  readonly fresh: boolean
  readonly use: (wire: Wire) => void
}

/** Lends connections, within limits; who comes when there is none waits in line. */
export class Connections {
  readonly #limits: ConnectionLimits
  readonly #dial: DialOptions
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #wires = new Set<Wire>()
  /** Endpoints that wait although they have not reached their own limit. */
  readonly #starved = new Set<Endpoint>()

  constructor(limits: ConnectionLimits, dial: DialOptions) {
    this.#limits = limits
    this.#dial = dial
  }

  endpoint(target: Target, policy: RecipientPolicy): Endpoint {
    const key = `${target.origin} ${policyKey(policy)}`
    let endpoint = this.#endpoints.get(key)
    if (endpoint === undefined) {
      endpoint = { key, target, policy, idle: [], waiting: new Fifo(), size: 0, isGone: false }
      this.#endpoints.set(key, endpoint)
    }
    return endpoint
  }

  /** Calls `use` with a connection, at once if there is one; a `fresh` one has not been used before. */
  lend(endpoint: Endpoint, fresh: boolean, use: (wire: Wire) => void): void {
    const wire = fresh ? undefined : endpoint.idle.pop()
    if (wire !== undefined) {
      wire.isLent = true
      use(wire)
    } else if (this.#makeRoom(endpoint)) {
      use(this.#open(endpoint))
    } else {
      endpoint.waiting.push({ fresh, use })
      if (endpoint.size < this.#limits.perOrigin) this.#starved.add(endpoint)
    }
  }

  /** Takes a connection back that is fit for another request. */
  giveBack(wire: Wire): void {
    if (!this.#wires.has(wire)) return
    const { endpoint } = wire
    const turn = this.#turnAfter(endpoint)
    const next = turn.waiting.peek()
    if (next === undefined) {
      wire.isLent = false
      endpoint.idle.push(wire)
    } else if (turn === endpoint && !next.fresh) {
      this.#shift(endpoint)
      // undici is still inside the answer that freed the wire.
      queueMicrotask(() => next.use(wire))
    } else {
      this.discard(wire)
    }
  }

  /** Cuts a connection; what waited for room gets its turn. */
  discard(wire: Wire): void {
    if (!this.#wires.delete(wire)) return
    const { endpoint } = wire
    if (!wire.isLent) endpoint.idle.splice(endpoint.idle.indexOf(wire), 1)
    endpoint.size--
    void wire.destroy()
    this.#serveNext(endpoint)
    if (endpoint.size > 0 || endpoint.waiting.length > 0) return
    endpoint.isGone = true
    this.#endpoints.delete(endpoint.key)
  }

  /** Cuts everything and waits for the sockets to be gone. Those who wait are not served any more. */
  async close(): Promise<void> {
    for (const endpoint of this.#endpoints.values()) endpoint.waiting.drain()
    this.#starved.clear()
    const wires = [...this.#wires]
    for (const wire of wires) this.discard(wire)
    await Promise.all(wires.map((wire) => wire.destroy()))
  }

  #open(endpoint: Endpoint): Wire {
    const wire = new Wire(endpoint, this.#dial, (ended) => this.discard(ended))
    this.#wires.add(wire)
    endpoint.size++
    return wire
  }

  /** Whether another connection may be opened; an idle one gives way. */
  #makeRoom(endpoint: Endpoint): boolean {
    if (endpoint.size >= this.#limits.perOrigin) return this.#discardIdle(endpoint)
    if (this.#wires.size < this.#limits.total) return true
    for (const other of this.#endpoints.values()) if (this.#discardIdle(other)) return true
    return false
  }

  #discardIdle({ idle }: Endpoint): boolean {
    const oldest = idle[0]
    if (oldest !== undefined) this.discard(oldest)
    return oldest !== undefined
  }

  #serveNext(endpoint: Endpoint): void {
    const turn = this.#turnAfter(endpoint)
    const next = this.#shift(turn)
    if (endpoint !== turn && endpoint.waiting.length > 0) this.#starved.add(endpoint)
    if (next === undefined) return
    const wire = this.#open(turn)
    queueMicrotask(() => next.use(wire))
  }

  /** Whose turn it is when an endpoint sets room free: of those who wait for room, the one that has waited longest. */
  #turnAfter(endpoint: Endpoint): Endpoint {
    const [longest = endpoint] = this.#starved
    return longest
  }

  #shift(endpoint: Endpoint): Waiter | undefined {
    const next = endpoint.waiting.shift()
    if (this.#starved.delete(endpoint) && endpoint.waiting.length > 0) this.#starved.add(endpoint)
    return next
  }
}
