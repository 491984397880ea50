import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Catalog, CatalogTable } from '../postgres/catalog.ts'
import { type Finished, readFinished } from '../postgres/finished.ts'
import { loadCatalog } from '../postgres/load-catalog.ts'
import type { Change, Relation, StreamSink, Transaction } from '../replication/change.ts'
import type { Decoder } from '../replication/decoder.ts'
import { PgoutputDecoder } from '../replication/pgoutput.ts'
import type { SlotState } from '../replication/slot.ts'
import { interrupted } from '../replication/stream-error.ts'
import { SlotStream } from '../replication/slot-stream.ts'
import type { OutputPlugin, PluginOptions } from '../replication/start-replication.ts'
import { Wal2jsonDecoder } from '../replication/wal2json.ts'
import { Intake } from './intake.ts'
import type { LiveConfig } from './live-config.ts'
import type { RunSettings } from './prepare.ts'

/** The first OID that is not built in; such types come and go. */
const FIRST_NORMAL_OID = 16_384
/** Between two looks whether a transaction that was read can be seen already. */
const VISIBLE_POLL_MS = 10

/** Where a connection starts to read. */
export interface ReadingStart {
  readonly plugin: OutputPlugin
  readonly options: PluginOptions
  readonly startLsn: bigint
  /** The slot is made for this connection and goes with it. */
  readonly isTemporary: boolean
}

export interface ReadingPorts {
  readonly pool: Pool
  readonly config: LiveConfig
  readonly settings: RunSettings
  readonly maxPayloadBytes: number
  /** The slot is ours. Messages wait until the sink for them is there. */
  started(): Promise<StreamSink>
  keepalive(walEnd: bigint): void
  /** `leaseMs`: for how long from now nobody else can have it. */
  slotSeen(slot: SlotState, leaseMs: number): void
  catalogReplaced(catalog: Catalog): void
}

/**
 * One connection that reads the slot: from START_REPLICATION until it breaks or is aborted.
 *
 * Holds the stream up where the state behind it has to be loaded first: at the start, and when a table appears whose
 * types the catalog does not know yet.
 */
export class Reading {
  readonly #ports: ReadingPorts
  readonly #stream: SlotStream
  readonly #intake: Intake
  readonly #failure = Promise.withResolvers<never>()
  readonly #checked = new WeakSet<Relation>()
  /** Whether the catalog shows what a transaction did; none, before it was read in this connection. */
  #isCovered: Finished = () => false
  #sink: StreamSink | null = null
  #decoder: Decoder | null = null
  #notice: (text: string) => void = () => undefined
  #confirmLater = 0n
  #hasEnded = false
  #isPaused = false

  constructor(plan: ReadingStart, ports: ReadingPorts) {
    this.#ports = ports
    const { databaseUrl, slot, walSenderTimeoutMs, statusIntervalMs } = ports.settings
    this.#stream = new SlotStream(
      {
        databaseUrl,
        slot,
        pluginOptions: plan.options,
        startLsn: plan.startLsn,
        temporary: plan.isTemporary ? plan.plugin : null,
        walSenderTimeoutMs,
        statusIntervalMs,
      },
      {
        onStart: () => this.#intake.hold(this.#start(plan.plugin)),
        onMessage: (message, lsn) => this.#intake.push(message, lsn),
        onKeepalive: (walEnd) => this.#onKeepalive(walEnd),
        onShutdown: () => undefined,
        onSlot: (state, leaseMs) => ports.slotSeen(state, leaseMs),
        ...(announcesSpecials(plan.plugin, ports.config) && {
          onNotice: (text: string) => this.#intake.pushNotice(text),
        }),
      },
    )
    this.#intake = new Intake({
      decode: (message, lsn) => this.#decoder!.decode(message, lsn),
      notice: (text) => this.#notice(text),
      flow: {
        pause: () => this.#stream.pause(),
        resume: () => {
          if (!this.#isPaused) this.#stream.resume()
        },
      },
      failed: (error) => this.#failure.reject(error),
    })
    this.#failure.promise.catch(() => undefined)
  }

  /** Reads until the signal; see `SlotStream.run` for what it rejects with. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController()
    try {
      await Promise.race([this.#stream.run(AbortSignal.any([signal, stop.signal])), this.#failure.promise])
    } finally {
      this.#hasEnded = true
      stop.abort()
    }
  }

  /** Ends this connection, so that the next one reads with the configuration as it is now. */
  restart(): void {
    this.#failure.reject(interrupted('the configuration has changed'))
  }

  leaseValid(): boolean {
    return this.#stream.leaseValid()
  }

  pause(): void {
    this.#isPaused = true
    this.#stream.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (!this.#intake.isHeld) this.#stream.resume()
  }

  /** Keeps the slot and confirms, but reports nothing more. */
  stopDelivering(): void {
    this.#stream.stopDelivering()
  }

  /** Confirms, as far as the server has sent it in this connection; the rest follows. */
  confirm(lsn: bigint): void {
    if (lsn <= this.#stream.received) this.#stream.confirm(lsn)
    else this.#confirmLater = lsn
  }

  async #start(plugin: OutputPlugin): Promise<void> {
    this.#sink = await this.#ports.started()
    this.#decoder = this.#createDecoder(plugin)
  }

  #createDecoder(plugin: OutputPlugin): Decoder {
    const sink: StreamSink = {
      begin: (transaction) => this.#sink!.begin(transaction),
      change: (change) => this.#onChange(change),
      commit: (transaction, endLsn) => this.#sink!.commit(transaction, endLsn),
    }
    const { config, maxPayloadBytes } = this.#ports
    const catalog = { table: (name: string): CatalogTable | undefined => config.table(name) }
    const limits = { maxCellBytes: maxPayloadBytes, maxMessageBytes: 8 * maxPayloadBytes }
    if (plugin === 'pgoutput') return new PgoutputDecoder(sink, catalog, limits)
    const decoder = new Wal2jsonDecoder(sink, catalog, {
      ...limits,
      announcesSpecials: announcesSpecials(plugin, config),
    })
    this.#notice = (text) => decoder.notice(text)
    return decoder
  }

  #onChange(change: Change): void {
    if (!('relation' in change) || this.#isKnown(change)) return this.#sink!.change(change)
    this.#intake.hold(
      this.#readCatalog(change.transaction).then(() => {
        if (!this.#hasEnded) this.#sink!.change(change)
      }),
    )
  }

  /** Reads the catalog as it is when a transaction can be seen in it. */
  async #readCatalog({ xid }: Transaction): Promise<void> {
    const { pool, catalogReplaced } = this.#ports
    let hasEnded = await readFinished(pool)
    while (!hasEnded(xid) && !this.#hasEnded) {
      await sleep(VISIBLE_POLL_MS)
      hasEnded = await readFinished(pool)
    }
    const catalog = await loadCatalog(pool)
    if (this.#hasEnded) return
    this.#isCovered = hasEnded
    catalogReplaced(catalog)
  }

  /**
   * Whether the catalog knows the table with these columns and all their types, and what it is a partition of; or is
   * newer than the change, so that there is nothing to learn from it.
   */
  #isKnown({ relation, transaction }: Change & { readonly relation: Relation }): boolean {
    if (this.#checked.has(relation) || this.#isCovered(transaction.xid)) return true
    const { config } = this.#ports
    if (config.mayBePartition(relation)) return false
    const { catalog } = config
    const table = catalog.tables.get(relation.name)
    const isKnown =
      table !== undefined &&
      relation.columns.every(
        ({ name, typeOid }) =>
          table.columns.some((column) => column.name === name && column.typeOid === typeOid) &&
          (typeOid < FIRST_NORMAL_OID || catalog.types.has(typeOid)),
      )
    if (isKnown) this.#checked.add(relation)
    return isKnown
  }

  #onKeepalive(walEnd: bigint): void {
    if (this.#confirmLater !== 0n && this.#confirmLater <= this.#stream.received) {
      this.#stream.confirm(this.#confirmLater)
      this.#confirmLater = 0n
    }
    if (!this.#intake.isHeld) this.#ports.keepalive(walEnd)
  }
}

const FLOAT_AND_NUMERIC = new Set([700, 701, 1700])

/** Whether wal2json has to announce the values that it prints as null: NaN and the infinities. It costs a little. */
function announcesSpecials(plugin: OutputPlugin, config: LiveConfig): boolean {
  if (plugin !== 'wal2json') return false
  return [...config.catalog.tables.values()]
    .filter(({ name, root }) => config.tables.has(name) || (root !== null && config.tables.has(root)))
    .some(({ columns }) => columns.some(({ typeOid, notNull }) => !notNull && FLOAT_AND_NUMERIC.has(typeOid)))
}
