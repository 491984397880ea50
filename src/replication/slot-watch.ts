import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { Client } from '../postgres/client.ts'
import { clientConfig, closeClient } from '../postgres/connect.ts'
import { errorCode, SqlState } from '../postgres/sqlstate.ts'
import { readSlot, type SlotState } from './slot.ts'
import { interrupted } from './stream-error.ts'

export interface SlotWatchOptions {
  readonly databaseUrl: string
  readonly slot: string
  /** The server process that streams to us. */
  readonly walsenderPid: number
  /** Pause between two questions, milliseconds. */
  readonly everyMs: number
  /** How long an answer counts, from when it was asked for. */
  readonly leaseMs: number
  /** How long to wait for an answer or a connection. */
  readonly timeoutMs: number
  /** `leaseMs`: for how long from now nobody else can have the slot. */
  readonly onSlot: (slot: SlotState, leaseMs: number) => void
  /** The server refuses connections because it shuts down. */
  readonly onShutdown: () => void
}

/** After so many timeouts without an answer the watch gives up: nothing may be sent meanwhile. */
const PATIENCE = 5

/**
 * Asks the server, over a connection of its own, whether our walsender still holds the slot.
 *
 * The stream itself cannot tell: under load the answer to a status update lies behind seconds of data, and a keepalive
 * does not say what it answers. Here an answer belongs to its question.
 */
export class SlotWatch {
  readonly #options: SlotWatchOptions
  #client: pg.Client | null = null
  /** Cuts the pause short when the connection breaks. */
  #wake = new AbortController()
  /** When the last question was put that was answered well; monotonic milliseconds. */
  #heldAt = -Infinity
  #lastError: unknown = null

  constructor(options: SlotWatchOptions) {
    this.#options = options
  }

  /** Whether the slot was ours so recently that the server cannot have given it to somebody else. */
  isHeld(): boolean {
    return performance.now() - this.#heldAt < this.#options.leaseMs
  }

  /** Milliseconds since the slot was known to be ours. */
  get silentMs(): number {
    return performance.now() - this.#heldAt
  }

  /**
   * Watches until the signal; then `isHeld()` is false. Rejects when the slot is not held by our walsender any more, or
   * nothing can be learned for long. A connection that breaks is replaced.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { everyMs, timeoutMs } = this.#options
    let answeredAt = performance.now()
    try {
      while (!signal.aborted) {
        const isAnswered = (await this.#ask()) || (await this.#ask()) // the second time over a new connection
        if (isAnswered) answeredAt = performance.now()
        else if (performance.now() - answeredAt > PATIENCE * timeoutMs) throw this.#lastError
        await sleep(everyMs, undefined, { signal: AbortSignal.any([signal, this.#wake.signal]) }).catch(() => {})
      }
    } finally {
      this.#heldAt = -Infinity
      await this.#disconnect()
    }
  }

  async #ask(): Promise<boolean> {
    const { slot: name, walsenderPid, onSlot, onShutdown } = this.#options
    const askedAt = performance.now()
    let slot: SlotState | null
    try {
      slot = await readSlot(await this.#connected(), name)
    } catch (error) {
      this.#lastError = error
      await this.#disconnect()
      if (errorCode(error) === SqlState.cannotConnectNow) onShutdown()
      return false
    }
    if (slot?.activePid !== walsenderPid) throw interrupted(`slot "${name}" is not held by this connection any more`)
    this.#heldAt = askedAt
    onSlot(slot, this.#options.leaseMs - this.silentMs)
    return true
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== null) return this.#client
    const { databaseUrl, timeoutMs } = this.#options
    const config = clientConfig(databaseUrl, { connectTimeoutMs: timeoutMs })
    const client = new Client({ ...config, query_timeout: timeoutMs })
    this.#wake = new AbortController()
    client.on('error', () => this.#wake.abort())
    this.#client = client
    await client.connect()
    return client
  }

  async #disconnect(): Promise<void> {
    const client = this.#client
    this.#client = null
    if (client !== null) await closeClient(client, 100)
  }
}
