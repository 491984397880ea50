import type { Socket } from 'node:net'
import type pg from 'pg'
import { LogicalReplicationService } from 'pg-logical-replication'
import { atOneServer, backendPid, type ReplicationConfig } from '../postgres/connect.ts'
import { LsnPrinter } from './lsn.ts'
import { SlicedSocket } from './sliced-socket.ts'
import { standbyStatus } from './standby-status.ts'
import { interrupted } from './stream-error.ts'

export interface TransportEvents {
  /** The stream begins: which server process sends it, and after how much silence it gives us up (0: never). */
  onStart(walsenderPid: number, walSenderTimeoutMs: number): void
  /** The bytes are overwritten when the call returns. */
  onMessage(message: Buffer, lsn: string): void
  onKeepalive(walEnd: bigint, replyRequested: boolean): void
  /** A notice of the server, in its place between the messages. */
  onNotice(text: string): void
}

/** What is used of the driver's connection and missing from its types. */
interface CopyConnection {
  readonly stream: Socket
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  removeAllListeners(event: 'copyData'): void
  on(event: 'copyData', listener: (message: { chunk: Buffer }) => void): void
  once(event: 'replicationStart', listener: () => void): void
  on(event: 'notice', listener: (notice: { message: string }) => void): void
}

const XLOG_DATA = 0x77 // 'w'
const KEEPALIVE = 0x6b // 'k'
/** Of XLogData: kind, start, WAL end, send time. */
const HEAD_BYTES = 25
/** Of a keepalive: kind, WAL end, send time, and then whether it asks for a reply. */
const ASKS_AT = 17

/** How long messages are handled before timers and other sockets get their turn. */
const TURN_MS = 20

/**
 * A database without an encoding holds bytes of any kind, and a server that is to send them as UTF-8 fails at the first
 * that are not. As they are, the decoder finds the cells that cannot be read.
 */
const RAW_TEXT = `select set_config('client_encoding', 'SQL_ASCII', false)
  where current_setting('server_encoding') = 'SQL_ASCII'`

/**
 * One connection that streams, on top of pg-logical-replication with everything switched off that it does by itself:
 * its confirmations, its timer, its flow control and its parsing, and its listener too, which formats, parses and
 * acknowledges every message on its own.
 */
export class Transport {
  readonly #events: TransportEvents
  /** The library reads it when it connects. */
  readonly #config: ReplicationConfig
  readonly #service: LogicalReplicationService
  readonly #socket = new SlicedSocket()
  readonly #failure = Promise.withResolvers<never>()
  /** Null before the stream begins. */
  #connection: CopyConnection | null = null
  /** Nothing is sent or reported any more. */
  #isOver = false
  /** The highest LSN that the server has sent: in halves, because every message updates it. */
  #receivedHigh = 0
  #receivedLow = 0
  readonly #lsns = new LsnPrinter()
  #pausedAt: number | null = null
  #turnStartedAt: number | null = null
  #isYielding = false

  constructor(config: ReplicationConfig, events: TransportEvents) {
    this.#events = events
    this.#config = { ...config, stream: () => this.#openSocket() }
    this.#service = new LogicalReplicationService(this.#config, {
      acknowledge: { auto: false, timeoutSeconds: 0 },
      flowControl: { enabled: false },
    })
    this.#failure.promise.catch(() => {})
    this.#service.on('error', (error) => this.#failure.reject(error))
  }

  /** Streams until the server or an error ends it, and rejects then. The last of `commands` is the START_REPLICATION. */
  async copy(slot: string, commands: readonly string[]): Promise<never> {
    const plugin = {
      name: 'hookd',
      options: {},
      start: (client: pg.Client) => this.#start(client, commands),
      parse: (message: Buffer) => message, // what it threw would be caught by nobody
    }
    Object.assign(this.#config, await atOneServer(this.#config))
    await Promise.race([this.#service.subscribe(plugin, slot, '0/0'), this.#failure.promise])
    throw interrupted('the server ended the stream')
  }

  get received(): bigint {
    return lsnOf(this.#receivedHigh, this.#receivedLow)
  }

  get bytesRead(): number {
    return this.#connection?.stream.bytesRead ?? 0
  }

  sendStatus(confirmed: bigint, replyRequested: boolean): void {
    if (this.#isOver || this.#connection?.stream.writable !== true) return
    const status = { received: this.received, confirmed, replyRequested, nowMs: Date.now() }
    this.#connection.sendCopyFromChunk(standbyStatus(status))
  }

  /** For how long nothing has been taken from the socket on demand. */
  get pausedMs(): number {
    return this.#pausedAt === null ? 0 : performance.now() - this.#pausedAt
  }

  pause(): void {
    this.#pausedAt ??= performance.now()
    this.#connection?.stream.pause()
  }

  resume(): void {
    this.#pausedAt = null
    if (!this.#isYielding) this.#connection?.stream.resume()
  }

  /** Asks for the end of the copy: when `copy` settles, the server has processed every status. False before the start. */
  endCopy(): boolean {
    this.#isOver = true
    this.#connection?.endCopyFrom()
    this.resume()
    return this.#connection !== null
  }

  /** Closes the connection; cuts it where the server does not let go within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#isOver = true
    const cut = setTimeout(() => this.#socket.destroy(), graceMs)
    await this.#service.destroy()
    clearTimeout(cut)
    this.#socket.destroy()
  }

  /** The library connects a moment after it is told to, and by then we may have closed already. */
  #openSocket(): Socket {
    if (this.#isOver) throw interrupted('the connection is closed')
    return this.#socket
  }

  async #start(client: pg.Client, commands: readonly string[]): Promise<unknown> {
    const walsenderPid = await backendPid(client)
    const { rows } = await client.query<{ ms: number }>(
      `select setting::int as ms from pg_settings where name = 'wal_sender_timeout'`,
    )
    await client.query(RAW_TEXT)
    const connection = client.connection as unknown as CopyConnection
    connection.removeAllListeners('copyData')
    connection.on('copyData', ({ chunk }) => this.#onCopyData(chunk))
    connection.on('notice', ({ message }) => this.#guard(() => this.#events.onNotice(message)))
    connection.once('replicationStart', () => {
      this.#connection = connection
      if (this.#pausedAt !== null) connection.stream.pause()
      this.#guard(() => this.#events.onStart(walsenderPid, rows[0]!.ms))
    })
    for (const command of commands.slice(0, -1)) await client.query(command)
    return client.query(commands.at(-1)!)
  }

  /** https://www.postgresql.org/docs/current/protocol-replication.html: both kinds carry an LSN behind their first byte. */
  #onCopyData(chunk: Buffer): void {
    const high = chunk.readUInt32BE(1)
    const low = chunk.readUInt32BE(5)
    this.#note(high, low)
    if (this.#isOver) return
    try {
      if (chunk[0] === XLOG_DATA) this.#events.onMessage(chunk.subarray(HEAD_BYTES), this.#lsns.print(high, low))
      else if (chunk[0] === KEEPALIVE) this.#events.onKeepalive(lsnOf(high, low), chunk[ASKS_AT] !== 0)
    } catch (error) {
      this.#fail(error)
    }
    this.#yieldAfterTurn()
  }

  #note(high: number, low: number): void {
    if (high < this.#receivedHigh || (high === this.#receivedHigh && low <= this.#receivedLow)) return
    this.#receivedHigh = high
    this.#receivedLow = low
  }

  /**
   * While there is data to read, the event loop reads up to 2 MB before it looks at anything else: seconds, in which no
   * status would be sent. Stopping the socket for a moment makes it look.
   */
  #yieldAfterTurn(): void {
    if (this.#turnStartedAt === null) {
      this.#turnStartedAt = performance.now()
      setImmediate(() => this.#endTurn())
    } else if (!this.#isYielding && performance.now() - this.#turnStartedAt > TURN_MS) {
      this.#isYielding = true
      this.#connection?.stream.pause()
    }
  }

  #endTurn(): void {
    this.#turnStartedAt = null
    if (!this.#isYielding) return
    this.#isYielding = false
    if (this.#pausedAt === null) this.#connection?.stream.resume()
  }

  /** Nobody would catch what is thrown out of an event of the socket. */
  #guard(call: () => void): void {
    if (this.#isOver) return
    try {
      call()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#isOver = true
    this.#failure.reject(error)
  }
}

function lsnOf(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
