import { callbackify } from 'node:util'
import { Client, type buildConnector } from 'undici'
import { type DialOptions, dial } from './dial.ts'
import type { Endpoint } from './connections.ts'

const IDLE_MS = 30_000
const MOST_HEADER_BYTES = 16 * 1024

/**
 * One connection, lent to one request at a time.
 *
 * It is an undici client that never pipelines. The client may connect again by itself, when the kept connection ended
 * just before a request was written; `dials` tells.
 */
export class Wire {
  readonly endpoint: Endpoint
  readonly client: Client
  /** How often this wire has dialled. */
  dials = 0
  isLent = true
  #abort: AbortController | null = null

  constructor(endpoint: Endpoint, options: DialOptions, onIdleEnd: (wire: Wire) => void) {
    this.endpoint = endpoint
    this.client = new Client(endpoint.target.origin, {
      connect: (_, callback) => this.#dial(options, callback),
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
    })
    this.client.on('disconnect', () => {
      if (!this.isLent) onIdleEnd(this)
    })
  }

  /** Cuts the connection, or the attempt to make one, whatever is going on; may be repeated. */
  destroy(): Promise<void> {
    this.#abort?.abort(new Error('no longer wanted'))
    return this.client.destroy()
  }

  #dial(options: DialOptions, callback: buildConnector.Callback): void {
    this.dials++
    this.#abort = new AbortController()
    const { target, policy } = this.endpoint
    const { signal } = this.#abort
    callbackify(() => dial(target, policy, { ...options, signal }))((error, socket) => {
      if (error === null) callback(null, socket)
      else callback(error, null)
    })
  }
}
