import type { Pool } from 'pg'
import { loadConfig } from '../config/load.ts'
import type { Parcel } from '../delivery/delivery.ts'
import { Payloads } from '../delivery/payload.ts'
import type { AttemptResult, LaneObserver } from '../delivery/ports.ts'
import { Sender } from '../delivery/send.ts'
import { HookdError } from '../errors.ts'
import { removeExpired } from '../ledger/janitor.ts'
import { classifyPostgresError } from '../postgres/classify-error.ts'
import type { Catalog } from '../postgres/catalog.ts'
import { explainConnectError } from '../postgres/connect-error.ts'
import { loadCatalog } from '../postgres/load-catalog.ts'
import type { StreamSink } from '../replication/change.ts'
import type { SlotState } from '../replication/slot.ts'
import { SlotActiveError } from '../replication/stream-error.ts'
import { watchPublication } from '../replication/watch-publication.ts'
import type { Subscriber } from '../subscriptions/subscriber.ts'
import { serveTelemetry } from '../telemetry/http.ts'
import type { Log } from '../telemetry/log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { jsonConverter } from '../values/to-json.ts'
import { attempt } from './attempt.ts'
import type { LiveConfig } from './live-config.ts'
import { listenForOperators } from './operator-feed.ts'
import type { ReadingPlan, RunSettings } from './prepare.ts'
import { planReading, pluginOptions, publish, publishedTables, saveEvents } from './prepare.ts'
import { isOurs, takeSlot } from './progress-store.ts'
import { Reading } from './reading.ts'
import { Session } from './session.ts'
import type { TakenSlot } from './session.ts'
import { USER_AGENT } from './version.ts'

/** What a run tells when it holds the slot. */
export interface DaemonInfo {
  readonly slot: string
  readonly plugin: string
  readonly telemetryUrl: string | null
}

export interface DaemonOptions {
  readonly pool: Pool
  readonly config: LiveConfig
  readonly settings: RunSettings
  readonly log: Log
  readonly reloads: EventTarget
  onReady?(info: DaemonInfo): void
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Pauses between tries to get a slot that somebody else holds: short, because this is the hot standby. */
const STANDBY_MS = 100
const FIRST_BACKOFF_MS = 50
const LONGEST_BACKOFF_MS = 2000
const RETENTION_EVERY_MS = 60_000

/** Holds the slot, or waits for it, and everything that runs beside the reading. */
export class Daemon {
  readonly #options: DaemonOptions
  readonly #sender = new Sender()
  readonly #metrics: Metrics
  readonly #scope = new AbortController()
  #reading: Reading | null = null
  #session: Session | null = null
  #sessionFailed: (error: unknown) => void = () => undefined
  #slot: SlotState | null = null
  #telemetryUrl: string | null = null
  #plan: ReadingPlan | null = null
  #payloads: Payloads
  #convert: (typeOid: number) => (text: string) => string
  #publicationLack: string | null = null
  #isStandby = true

  constructor(options: DaemonOptions) {
    this.#options = options
    this.#convert = this.#createConverter()
    this.#payloads = new Payloads((oid) => this.#convert(oid), { maxBytes: this.#maxPayloadBytes })
    this.#metrics = new Metrics({
      lagBytes: () => this.#session?.lagBytes ?? 0,
      lagSeconds: () => this.#session?.lagSeconds ?? 0,
      active: () => (this.#isStandby ? 0 : 1),
      lanes: () => this.#session?.lanes.counts() ?? { direct: 0, spilled: 0, disabled: 0 },
      heldBytes: () => this.#session?.lanes.heldBytes ?? 0,
      subscribers: () => this.#session?.directorySize ?? 0,
    })
  }

  /** Runs until the signal aborts, then drains. Rejects where the operator has to act. */
  async run(signal: AbortSignal): Promise<void> {
    const { settings, reloads } = this.#options
    const server = settings.listen === null ? null : await serveTelemetry(settings.listen, this.#metrics, () => this.#unreadiness())
    this.#telemetryUrl = server?.url ?? null
    const onReload = (): void => void this.#reload()
    reloads.addEventListener('reload', onReload)
    void this.#keepHouse()
    try {
      await this.#supervise(signal)
    } finally {
      reloads.removeEventListener('reload', onReload)
      this.#scope.abort()
      this.#session?.stop()
      await this.#sender.close()
      await server?.close()
    }
  }

  get #maxPayloadBytes(): number {
    return this.#options.settings.maxPayloadBytes ?? this.#options.config.delivery.maxPayloadBytes
  }

  async #supervise(signal: AbortSignal): Promise<void> {
    const { log, sleep } = this.#options
    let failures = 0
    while (!signal.aborted) {
      try {
        await this.#read(signal, () => (failures = 0))
      } catch (error) {
        this.#reading = null
        const isWaiting = error instanceof SlotActiveError
        if (isWaiting && !this.#isStandby) log.warn({ holder: error.holderPid }, 'another process has taken the slot')
        if (isWaiting && failures === 0) log.info({ holder: error.holderPid }, 'the slot is in use; standing by')
        if (!isWaiting) this.#judge(error)
        this.#isStandby = true
        const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures)
        failures++
        await sleep(isWaiting ? STANDBY_MS : backoff, signal).catch(() => undefined)
      }
    }
  }

  /** Throws what waiting does not mend. */
  #judge(error: unknown): void {
    const { log, settings } = this.#options
    if (error instanceof HookdError && error.code === 'HOOKD_FENCED') {
      this.#dropSession()
      log.warn({}, error.message)
      return
    }
    if (error instanceof HookdError) throw error
    const kind = classifyPostgresError(error, 'replication')
    if (kind === 'fatal') throw error
    if (kind === 'auth' && this.#plan === null) throw explainConnectError(error, settings.databaseUrl)
    this.#metrics.reconnected()
    log.warn({ error: (error as Error).message }, 'lost the database; connecting again')
  }

  /** One connection: plans, reads until it breaks, drains when told to stop. */
  async #read(signal: AbortSignal, started: () => void): Promise<void> {
    const { pool, config, settings, log } = this.#options
    const plan = await planReading(pool, config, settings, log)
    this.#plan = plan
    const options = pluginOptions(plan.plugin, config, settings)
    const stop = new AbortController()
    const reading: Reading = new Reading(
      { plugin: plan.plugin, options, startLsn: plan.startLsn },
      {
        pool,
        config,
        settings,
        maxPayloadBytes: this.#maxPayloadBytes,
        started: async () => {
          const sink = await this.#begin(plan, reading)
          started()
          return sink
        },
        keepalive: (walEnd) => this.#session?.keepalive(walEnd),
        slotSeen: (slot) => (this.#slot = slot),
        catalogReplaced: (catalog) => this.#replaceCatalog(catalog),
      },
    )
    const failure = Promise.withResolvers<never>()
    failure.promise.catch(() => undefined)
    this.#sessionFailed = failure.reject
    const onAbort = (): void => void this.#drain(reading).finally(() => stop.abort())
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      if (signal.aborted) return
      await Promise.race([reading.run(stop.signal), failure.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
      stop.abort()
      if (this.#reading === reading) this.#reading = null
    }
  }

  /** The slot is ours: goes on with what is in memory if nobody else had it meanwhile, else starts from the ledger. */
  async #begin(plan: ReadingPlan, reading: Reading): Promise<StreamSink> {
    const { pool, settings, log } = this.#options
    const current = this.#session
    if (current !== null && !(await isOurs(pool, settings.slot, current.epoch))) this.#dropSession()
    if (this.#session === null) {
      const taken = await takeSlot(pool, settings.slot, plan.server)
      const session = this.#openSession(taken)
      await session.load()
      session.run().catch((error: unknown) => this.#sessionFailed(error))
      log.info({ slot: settings.slot, plugin: plan.plugin, epoch: taken.epoch }, 'reading the slot')
      this.#options.onReady?.({ slot: settings.slot, plugin: plan.plugin, telemetryUrl: this.#telemetryUrl })
    } else {
      log.info({ slot: settings.slot }, 'reading the slot again')
    }
    this.#reading = reading
    this.#isStandby = false
    return this.#session!.sink
  }

  #openSession(taken: TakenSlot): Session {
    const { pool, config, log } = this.#options
    const session = new Session(taken, {
      pool,
      config,
      payloads: this.#payloads,
      toJson: (oid) => this.#convert(oid),
      log,
      observer: this.#observer(),
      attempt: (parcel, subscriber) => this.#attempt(parcel, subscriber),
      mayStart: () => this.#session === session && this.#reading !== null && this.#reading.leaseValid(),
      confirm: (lsn) => this.#reading?.confirm(lsn),
      pauseReading: () => this.#reading?.pause(),
      resumeReading: () => this.#reading?.resume(),
      matched: (event) => this.#metrics.matched(event),
      failed: (kind) => this.#metrics.failed(kind),
    })
    this.#session = session
    return session
  }

  #dropSession(): void {
    this.#session?.stop()
    this.#session = null
  }

  async #drain(reading: Reading): Promise<void> {
    const { log, settings } = this.#options
    if (this.#session === null || this.#reading !== reading) return
    log.info({}, 'stopping: finishing what is in flight')
    reading.stopDelivering()
    await this.#session.drain(AbortSignal.timeout(settings.drainTimeoutMs)).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'could not record everything before stopping; some deliveries may be sent again')
    })
  }

  #attempt(parcel: Parcel, subscriber: Subscriber): Promise<AttemptResult> {
    const { config } = this.#options
    return attempt(parcel, subscriber, {
      send: (request) => this.#sender.send(request),
      event: (name) => config.event(name),
      defaults: () => ({
        timeoutMs: config.delivery.timeoutMs,
        retry: config.delivery.retry,
        recipients: config.recipients,
        userAgent: USER_AGENT,
      }),
    })
  }

  #observer(): LaneObserver {
    const { log } = this.#options
    return {
      attempted: (parcel, subscriber, { answer, outcome }) => {
        const failure = answer.kind === 'failure' ? answer.failure : String(answer.status)
        this.#metrics.attempted(outcome.kind, failure, answer.durationMs)
        if (outcome.kind === 'delivered') {
          const { committedAt } = parcel.deliveries[0]!.message.transaction
          this.#metrics.delivered(Date.now() - Date.parse(committedAt))
          return
        }
        const fields = { subscriber: subscriber.id, delivery: parcel.id, outcome: outcome.kind, class: failure }
        log.warn(fields, `not delivered: ${outcome.reason}`)
      },
      modeChanged: (subscriber, mode, reason) => {
        if (mode === 'spilled') this.#metrics.spilled(reason)
        log.debug({ subscriber, mode }, `lane is ${mode}: ${reason}`)
      },
      disabled: (subscriber, reason) => log.error({ subscriber }, `disabled a subscriber: ${reason}`),
    }
  }

  #createConverter() {
    const { config } = this.#options
    return jsonConverter((oid) => config.catalog.types.get(oid))
  }

  #replaceCatalog(catalog: Catalog): void {
    this.#options.config.replaceCatalog(catalog)
    this.#convert = this.#createConverter()
    this.#payloads = new Payloads((oid) => this.#convert(oid), { maxBytes: this.#maxPayloadBytes })
    this.#session?.reconfigured(this.#payloads)
  }

  /** Reads hookd.yaml again. What is wrong with it is logged, and the old one stays in force. */
  async #reload(): Promise<void> {
    const { pool, config, settings, log } = this.#options
    try {
      const catalog = await loadCatalog(pool)
      const before = config.tables
      const fresh = await loadConfig(settings.config, { catalog })
      await saveEvents(pool, fresh)
      this.#replaceCatalog(catalog)
      config.replace(fresh)
      this.#session?.reconfigured(this.#payloads)
      if (this.#plan !== null) await publish(pool, config, { settings, plugin: this.#plan.plugin, log })
      const isSame = before.size === config.tables.size && [...before].every((name) => config.tables.has(name))
      if (!isSame && this.#plan?.plugin === 'wal2json') this.#reading?.restart()
      log.info({ events: fresh.events.length }, 'loaded the new configuration')
    } catch (error) {
      log.error({}, `kept the old configuration: ${(error as Error).message}`)
    }
  }

  async #keepHouse(): Promise<void> {
    const { pool, config, settings, log, sleep } = this.#options
    const { signal } = this.#scope
    void listenForOperators(settings.databaseUrl, signal, () => void this.#session?.recoverLanes('an operator asked').catch(() => undefined))
    void this.#watchPublication(signal)
    while (!signal.aborted) {
      await sleep(RETENTION_EVERY_MS, signal).catch(() => undefined)
      if (signal.aborted || this.#isStandby) continue
      await removeExpired(pool, settings.retentionMs ?? config.delivery.retentionMs, signal).catch((error: unknown) =>
        log.warn({ error: String(error) }, 'could not remove what has expired; trying again later'),
      )
    }
  }

  async #watchPublication(signal: AbortSignal): Promise<void> {
    const { pool, config, settings, log, sleep } = this.#options
    while (this.#plan === null && !signal.aborted) await sleep(1000, signal).catch(() => undefined)
    if (this.#plan?.plugin !== 'pgoutput') return
    const watch = {
      name: settings.publication,
      tables: publishedTables(config),
      onLack: (lack: object | null): void => {
        this.#publicationLack = lack === null ? null : JSON.stringify(lack)
        if (lack !== null) log.error({ lack }, `publication "${settings.publication}" is incomplete: changes may be missing`)
      },
    }
    await watchPublication(pool, watch, signal).catch((error: unknown) => log.error({ error: String(error) }, 'publication watch ended'))
  }

  #unreadiness(): string | null {
    if (this.#publicationLack !== null) return `the publication is incomplete: ${this.#publicationLack}`
    if (this.#isStandby || this.#session === null) return 'standing by: another process holds the slot, or the database is away'
    if (this.#slot?.walStatus === 'lost') return 'the slot is lost'
    return null
  }
}
