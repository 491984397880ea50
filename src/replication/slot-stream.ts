import { setTimeout as sleep } from 'node:timers/promises'
import { replicationConfig } from '../postgres/connect.ts'
import { AskedBurst } from './asked-burst.ts'
import { formatLsn } from './lsn.ts'
import { SlotWatch } from './slot-watch.ts'
import type { SlotState } from './slot.ts'
import { createTemporarySlot, startReplication, type OutputPlugin, type PluginOptions } from './start-replication.ts'
import { explainStreamError, interrupted } from './stream-error.ts'
import { Transport } from './transport.ts'

export interface SlotStreamOptions {
  readonly databaseUrl: string
  readonly slot: string
  readonly pluginOptions: PluginOptions
  /** Everything before it is settled; 0n leaves the start to the slot. Never beyond the end of the WAL. */
  readonly startLsn: bigint
  /** Makes a slot with this plugin that lasts as long as the connection; `startLsn` is then 0n. */
  readonly temporary?: OutputPlugin | null
  /**
   * After how much silence the server gives the slot to somebody else; 0 keeps its own setting. Default 2 s. It is also how
   * long TCP waits for us to take data, and it notices that we do only by a sixteenth of its buffer at a time: at 2 s a
   * sink has to take about 200 KB/s.
   */
  readonly walSenderTimeoutMs?: number
  /** How often the server hears from us; at most a third of the timeout. Default 500 ms. */
  readonly statusIntervalMs?: number
}

/** What a stream reports. All calls are synchronous; one that throws ends the stream with its error. */
export interface SlotSink {
  /** The server has given us the slot; nothing was reported yet. */
  onStart?(): void
  /** One message of the output plugin. The bytes are overwritten when the call returns. `lsn`: `16/B374D848`. */
  onMessage(message: Buffer, lsn: string): void
  /** Every transaction that ended before `walEnd` was reported before this call. */
  onKeepalive(walEnd: bigint, replyRequested: boolean): void
  /** The server shuts down and waits for us: `confirm` what is settled. The stream ends by itself within 400 ms. */
  onShutdown(): void
  /** The slot as the server sees it, about every status interval; for `leaseMs` from now nobody else can have it. */
  onSlot?(slot: SlotState, leaseMs: number): void
  /** What the server says at level DEBUG1 and above, in its place between the messages; asked for where this is given. */
  onNotice?(text: string): void
}

/** Of `wal_sender_timeout`, counted from when we asked: the rest is for a request that is being written just then. */
const LEASE_SHARE = 0.6

/** What is taken for `wal_sender_timeout` where it is switched off. */
const UNLIMITED_MS = 60_000

/** In timeouts: a client that takes nothing can hold up a checkpoint, and TCP is not always quick to notice. */
const LONGEST_PAUSE = 5

/** How long what is in flight may still be settled when the server shuts down. */
const SHUTDOWN_GRACE_MS = 300

/** How long the server may take to say goodbye, twice: to end the copy, and to close. */
const GOODBYE_MS = { aborted: 250, shutdown: 50 } as const

/**
 * Reads one slot: hands over the messages of its output plugin, confirms what it is told to, and keeps the slot.
 *
 * Used once: `run()` until it is aborted or fails, then a new one, to which the server repeats everything behind
 * `startLsn`.
 */
export class SlotStream {
  readonly #options: Required<SlotStreamOptions>
  readonly #sink: SlotSink
  readonly #transport: Transport
  readonly #scope = new AbortController()
  readonly #ending = Promise.withResolvers<'aborted' | 'shutdown'>()
  #watch: SlotWatch | null = null
  #burst: AskedBurst | null = null
  #confirmed: bigint
  #isStatusDue = false
  #isDelivering = true
  #isShuttingDown = false

  constructor(options: SlotStreamOptions, sink: SlotSink) {
    this.#options = { walSenderTimeoutMs: 2000, statusIntervalMs: 500, temporary: null, ...options }
    this.#confirmed = options.startLsn
    this.#sink = sink
    const settings = {
      ...sessionSettings(this.#options.walSenderTimeoutMs),
      ...(sink.onNotice && { client_min_messages: 'debug1' }),
    }
    const config = replicationConfig(options.databaseUrl, { settings })
    this.#transport = new Transport(config, {
      onStart: (pid, timeoutMs) => this.#start(pid, timeoutMs > 0 ? timeoutMs : UNLIMITED_MS),
      onMessage: (message, lsn) => {
        if (this.#isDelivering) sink.onMessage(message, lsn)
      },
      onKeepalive: (walEnd, isAsked) => this.#onKeepalive(walEnd, isAsked),
      onNotice: (text) => {
        if (this.#isDelivering) sink.onNotice?.(text)
      },
    })
  }

  /**
   * Streams until the signal, then tells the server the last confirmed position and leaves within half a second.
   *
   * Rejects with SlotActiveError where another process has the slot; HookdError HOOKD_SLOT_LOST, HOOKD_PUBLICATION_LOST
   * or HOOKD_PLUGIN_MISSING where waiting does not help; whatever the sink threw; and with the error of the connection,
   * to be sorted by `classifyPostgresError`.
   */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { slot, startLsn, pluginOptions, temporary } = this.#options
    const onAbort = () => this.#ending.resolve('aborted')
    this.#ending.promise.catch(() => {})
    signal.addEventListener('abort', onAbort, { once: true })
    const start = startReplication(slot, startLsn, pluginOptions)
    const copying = this.#transport.copy(slot, temporary ? [createTemporarySlot(slot, temporary), start] : [start])
    let goodbyeMs: number = GOODBYE_MS.aborted
    try {
      const end = await Promise.race([copying, this.#ending.promise])
      goodbyeMs = GOODBYE_MS[end]
      await this.#sayGoodbye(copying, goodbyeMs)
      if (end === 'shutdown') throw interrupted('the server shuts down')
    } catch (error) {
      if (!signal.aborted) throw explainStreamError(error, slot, this.#confirmed)
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#isDelivering = false
      this.#scope.abort()
      await this.#transport.close(goodbyeMs)
    }
  }

  /** The highest LSN that the server has sent in this stream. */
  get received(): bigint {
    return this.#transport.received
  }

  /** What the server was told, or will be in a moment. */
  get confirmed(): bigint {
    return this.#confirmed
  }

  /**
   * Allows the server to forget everything before `lsn`, the end LSN of a transaction or the WAL end of a keepalive.
   * Ignores one that is not higher than before. Throws for one that the server has not sent: it would skip what is there.
   */
  confirm(lsn: bigint): void {
    if (lsn <= this.#confirmed) return
    if (lsn > this.received) {
      throw new Error(`${formatLsn(lsn)} cannot be confirmed: the server has sent ${formatLsn(this.received)}`)
    }
    this.#confirmed = lsn
    if (this.#isStatusDue) return
    this.#isStatusDue = true
    setImmediate(() => {
      if (this.#isStatusDue) this.#sendStatus(false)
    })
  }

  /**
   * Stops reading from the socket; what was read already may still come, up to 64 KB. For moments only: a stream that is
   * paused for as long as `wal_sender_timeout` is given up by the server, and after five times as long it ends by itself.
   */
  pause(): void {
    this.#transport.pause()
  }

  resume(): void {
    this.#transport.resume()
  }

  /** Reports nothing more, but keeps the slot and confirms as before: for finishing what is in flight. */
  stopDelivering(): void {
    this.#isDelivering = false
    this.resume()
  }

  /** Whether the slot is certainly still ours, so that nobody else can be sending: to be asked before every send. */
  leaseValid(): boolean {
    return this.#watch !== null && this.#watch.isHeld()
  }

  #start(walsenderPid: number, timeoutMs: number): void {
    const { databaseUrl, slot, statusIntervalMs } = this.#options
    const { signal } = this.#scope
    this.#sink.onStart?.()
    const everyMs = Math.min(statusIntervalMs, timeoutMs / 3)
    this.#burst = new AskedBurst(timeoutMs / 4)
    this.#watch = new SlotWatch({
      databaseUrl,
      slot,
      walsenderPid,
      everyMs,
      leaseMs: timeoutMs * LEASE_SHARE,
      timeoutMs,
      onSlot: (state, leaseMs) => this.#sink.onSlot?.(state, leaseMs),
      onShutdown: () => this.#onShutdown(),
    })
    this.#watch.run(signal).catch(this.#ending.reject)
    this.#keepTalking(everyMs, timeoutMs, signal).catch(this.#ending.reject)
  }

  /** Tells the server that we live, and notices when it does not: neither the stream nor the watch hears anything. */
  async #keepTalking(everyMs: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    let bytesRead = 0
    let quietTicks = 0
    while (!signal.aborted) {
      this.#sendStatus(true)
      quietTicks = this.#transport.bytesRead === bytesRead ? quietTicks + 1 : 0
      bytesRead = this.#transport.bytesRead
      if (quietTicks * everyMs >= timeoutMs && this.#watch!.silentMs >= timeoutMs) {
        throw interrupted(`the server has not answered for ${timeoutMs} ms`)
      }
      if (this.#transport.pausedMs >= LONGEST_PAUSE * timeoutMs) {
        throw interrupted(`reading was paused for ${LONGEST_PAUSE * timeoutMs} ms`)
      }
      await sleep(everyMs, undefined, { signal }).catch(() => {})
    }
  }

  #onKeepalive(walEnd: bigint, isAsked: boolean): void {
    if (this.#isDelivering) this.#sink.onKeepalive(walEnd, isAsked)
    if (!isAsked || this.#isShuttingDown) return
    if (this.#burst!.asked(performance.now())) this.#onShutdown()
    else this.#sendStatus(false)
  }

  #onShutdown(): void {
    if (this.#isShuttingDown) return
    this.#isShuttingDown = true
    this.#sink.onShutdown()
    void sleep(SHUTDOWN_GRACE_MS, undefined, { signal: this.#scope.signal })
      .then(() => this.#ending.resolve('shutdown'))
      .catch(() => {})
  }

  #sendStatus(replyRequested: boolean): void {
    this.#isStatusDue = false
    this.#transport.sendStatus(this.#confirmed, replyRequested)
  }

  async #sayGoodbye(copying: Promise<never>, waitMs: number): Promise<void> {
    this.#isDelivering = false
    this.#sendStatus(false)
    if (!this.#transport.endCopy()) return
    await Promise.race([copying.catch(() => {}), sleep(waitMs, undefined, { ref: false })])
  }
}

/** The server's side of noticing early that we are gone; no privilege is needed for any of it. */
function sessionSettings(walSenderTimeoutMs: number): Record<string, string> {
  return {
    ...(walSenderTimeoutMs > 0 && { wal_sender_timeout: String(walSenderTimeoutMs) }),
    tcp_user_timeout: String(walSenderTimeoutMs > 0 ? walSenderTimeoutMs : UNLIMITED_MS),
    tcp_keepalives_idle: '1',
    tcp_keepalives_interval: '1',
    tcp_keepalives_count: '2',
  }
}
