import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Parcel } from '../delivery/delivery.ts'
import type { AttemptResult } from '../delivery/ports.ts'
import { Lease } from '../delivery/lease.ts'
import type { Sender } from '../delivery/send.ts'
import { HookdError } from '../errors.ts'
import { Ledger } from '../ledger/ledger.ts'
import { classifyPostgresError } from '../postgres/classify-error.ts'
import type { Catalog } from '../postgres/catalog.ts'
import { explainConnectError } from '../postgres/connect-error.ts'
import type { StreamSink } from '../replication/change.ts'
import type { SlotState } from '../replication/slot.ts'
import { SlotActiveError } from '../replication/stream-error.ts'
import type { Subscriber } from '../subscriptions/subscriber.ts'
import { serveTelemetry } from '../telemetry/http.ts'
import type { Log } from '../telemetry/log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { attempt } from './attempt.ts'
import { dryAttempt, DryLedger } from './dry-run.ts'
import { keepHouse, watchOver } from './housekeeping.ts'
import type { HousekeepingPorts } from './housekeeping.ts'
import type { LiveConfig } from './live-config.ts'
import { observeLanes } from './observer.ts'
import type { ReadingPlan, RunSettings } from './prepare.ts'
import { abandonSlot, planDryReading, planReading, pluginOptions } from './prepare.ts'
import { Printer } from './printer.ts'
import { isOurs, readCurrent, takeSlot } from './progress-store.ts'
import { Reading } from './reading.ts'
import type { ReloadPorts } from './reload.ts'
import { reload } from './reload.ts'
import type { TakenSlot } from './session-ports.ts'
import { openSender } from './senders.ts'
import { Session } from './session.ts'
import { warnOfUndone } from './undone.ts'
import { USER_AGENT } from './version.ts'

/** What a run tells when it holds the slot. */
export interface DaemonInfo {
  readonly slot: string
  readonly plugin: string
  readonly telemetryUrl: string | null
}

export interface DaemonOptions {
  readonly pool: Pool
  readonly writerPool: Pool
  readonly config: LiveConfig
  readonly settings: RunSettings
  readonly log: Log
  readonly reloads: EventTarget
  onReady?(info: DaemonInfo): void
  /** Where a dry run prints. */
  print(line: string): void
}

/** Pauses between tries to get a slot that somebody else holds: short, because this is the hot standby. */
const STANDBY_MS = 100
const FIRST_BACKOFF_MS = 50
const LONGEST_BACKOFF_MS = 2000
const ONCE_POLL_MS = 100
/** Looks in a row at which a run with `once` must find nothing left to do. */
const ONCE_LOOKS = 3

/** Holds the slot, or waits for it, and whatever belongs to that. */
export class Daemon {
  readonly #options: DaemonOptions
  readonly #lease = new Lease()
  readonly #sender: Pick<Sender, 'send' | 'close'>
  readonly #metrics: Metrics
  readonly #scope = new AbortController()
  readonly #done = new AbortController()
  #reading: Reading | null = null
  #session: Session | null = null
  #sessionFailed: (error: unknown) => void = () => undefined
  #slot: SlotState | null = null
  #telemetryUrl: string | null = null
  #plan: ReadingPlan | null = null
  readonly #printer: Printer
  #publicationLack: string | null = null
  #hasAcceptedGap = false
  #isPublishing = false
  #isPaused = false

  constructor(options: DaemonOptions) {
    this.#options = options
    this.#sender = openSender(options.settings, {
      lease: this.#lease,
      onRedial: (host) => options.log.debug({ host }, 'a kept connection had gone stale; dialled again'),
    })
    this.#printer = new Printer(options.config, options.settings)
    this.#metrics = new Metrics({
      lagBytes: () => this.#session?.lagBytes ?? 0,
      lagSeconds: () => this.#session?.lagSeconds ?? 0,
      active: () => (this.#reading === null ? 0 : 1),
      lanes: () => this.#session?.lanes.counts() ?? { direct: 0, spilled: 0, disabled: 0 },
      heldBytes: () => this.#session?.lanes.heldBytes ?? 0,
      subscribers: () => this.#session?.directorySize ?? 0,
      slotKeptBytes: () => this.#session?.bytesSince(this.#slot?.restart ?? null) ?? Number.NaN,
      slotSafeBytes: () => this.#slot?.safeWalBytes ?? Number.NaN,
      slotStatus: () => this.#slot?.walStatus ?? null,
    })
  }

  /** Runs until the signal aborts, then drains. Rejects where the operator has to act. */
  async run(signal: AbortSignal): Promise<void> {
    const { settings, reloads } = this.#options
    const readiness = (): string | null => this.#unreadiness()
    const server = settings.listen === null ? null : await serveTelemetry(settings.listen, this.#metrics, readiness)
    this.#telemetryUrl = server?.url ?? null
    const onReload = (): void => void reload(this.#reloadPorts())
    reloads.addEventListener('reload', onReload)
    if (!settings.dryRun) keepHouse(this.#housekeeping(), this.#scope.signal)
    try {
      await this.#supervise(AbortSignal.any([signal, this.#done.signal]))
    } finally {
      reloads.removeEventListener('reload', onReload)
      this.#scope.abort()
      this.#session?.stop()
      await this.#sender.close()
      await server?.close()
    }
  }

  async #supervise(signal: AbortSignal): Promise<void> {
    let failures = 0
    let isStandingBy = false
    while (!signal.aborted) {
      try {
        await this.#read(signal, () => {
          failures = 0
          isStandingBy = false
        })
      } catch (error) {
        this.#reading = null
        const isWaiting = error instanceof SlotActiveError
        if (!isWaiting && !(await this.#acceptGap(error))) this.#judge(error)
        if (isWaiting && !isStandingBy) {
          this.#options.log.info({ holder: error.holderPid }, 'the slot is in use; standing by')
        }
        isStandingBy = isWaiting
        const backoffMs = isWaiting ? STANDBY_MS : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures)
        failures++
        await sleep(backoffMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** A publication that was gone shows only when the stream is read: with --accept-gap a new slot follows, once. */
  async #acceptGap(error: unknown): Promise<boolean> {
    const { pool, settings, log } = this.#options
    if (!(error instanceof HookdError) || error.code !== 'HOOKD_PUBLICATION_LOST') return false
    if (!settings.acceptGap || this.#hasAcceptedGap) return false
    this.#hasAcceptedGap = true
    this.#dropSession()
    log.warn({}, `accepting a gap: ${error.message}`)
    await abandonSlot(pool, settings.slot)
    return true
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
    const plan = await (settings.dryRun ? planDryReading : planReading)(pool, config, settings, log)
    this.#watchOnce(plan)
    const stop = new AbortController()
    const failure = Promise.withResolvers<never>()
    failure.promise.catch(() => undefined)
    this.#sessionFailed = failure.reject
    const reading: Reading = new Reading(
      { ...plan, options: pluginOptions(plan.plugin, config, settings), isTemporary: settings.dryRun },
      {
        pool,
        config,
        settings: { ...settings, slot: plan.slot },
        maxPayloadBytes: this.#printer.maxPayloadBytes,
        started: async () => {
          const sink = await this.#begin(plan, reading)
          started()
          return sink
        },
        keepalive: (walEnd) => this.#session?.keepalive(walEnd),
        slotSeen: (slot, leaseMs) => {
          this.#lease.extend(leaseMs)
          this.#onSlot(slot)
        },
        catalogReplaced: (catalog) => this.#replaceCatalog(catalog),
      },
    )
    const onAbort = (): void => void this.#drain(reading).finally(() => stop.abort())
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      if (!signal.aborted) await Promise.race([reading.run(stop.signal), failure.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
      stop.abort()
      this.#lease.revoke()
      if (this.#reading === reading) this.#reading = null
    }
  }

  /** The slot is ours: goes on with what is in memory if nobody else had it meanwhile, else starts from the ledger. */
  async #begin(plan: ReadingPlan, reading: Reading): Promise<StreamSink> {
    const { pool, log, settings } = this.#options
    const { slot, plugin } = plan
    const current = this.#session
    const hasSameHistory = current?.timeline === plan.server.timeline
    if (!hasSameHistory || settings.dryRun || !(await isOurs(pool, slot, current.epoch))) this.#dropSession()
    let session = this.#session
    const isNew = session === null
    if (session === null) {
      const taken = settings.dryRun ? await readCurrent(pool, plan) : await takeSlot(pool, plan)
      warnOfUndone(log, plan.server, { before: current, taken })
      session = this.#openSession(taken)
      await session.load()
      session.run().catch((error: unknown) => this.#sessionFailed(error))
    }
    this.#reading = reading
    this.#pauseReading(this.#isPaused)
    log.info({ slot, plugin, epoch: session.epoch }, isNew ? 'reading the slot' : 'reading the slot again')
    if (isNew) this.#options.onReady?.({ slot, plugin, telemetryUrl: this.#telemetryUrl })
    return session.sink
  }

  #openSession(taken: TakenSlot): Session {
    const { pool, writerPool, config, log, settings } = this.#options
    const session: Session = new Session(taken, {
      pool,
      writerPool,
      config,
      payloads: this.#printer.payloads,
      toJson: (oid) => this.#printer.toJson(oid),
      log,
      observer: observeLanes(this.#metrics, log),
      createLedger: (options) => (settings.dryRun ? new DryLedger() : new Ledger(options)),
      attempt: (parcel, subscriber) => this.#attempt(parcel, subscriber),
      mayStart: () => this.#session === session && this.#reading !== null && this.#reading.leaseValid(),
      confirm: (lsn) => this.#reading?.confirm(lsn),
      pauseReading: () => this.#pauseReading(true),
      resumeReading: () => this.#pauseReading(false),
      matched: (event) => this.#metrics.matched(event),
      failed: (kind) => this.#metrics.failed(kind),
    })
    this.#session = session
    return session
  }

  /** Memory is full: that outlives a connection. */
  #pauseReading(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (isPaused) this.#reading?.pause()
    else this.#reading?.resume()
  }

  /** The slot as the server sees it, several times a second. */
  #onSlot(slot: SlotState): void {
    const before = this.#slot?.walStatus ?? 'reserved'
    this.#slot = slot
    if (slot.walStatus === before || slot.walStatus === null || slot.walStatus === 'reserved') return
    const fields = { slot: slot.name, status: slot.walStatus, safeBytes: slot.safeWalBytes }
    const text =
      'the server keeps more WAL for the slot than it likes to: find out what holds it back, see "hookd status"'
    this.#options.log[slot.walStatus === 'extended' ? 'warn' : 'error'](fields, text)
  }

  #dropSession(): void {
    this.#session?.stop()
    this.#session = null
    this.#isPaused = false
  }

  async #drain(reading: Reading): Promise<void> {
    const { log, settings } = this.#options
    if (this.#session === null || this.#reading !== reading) return
    log.info({}, 'stopping: finishing what is in flight')
    reading.stopDelivering()
    try {
      await this.#session.drain(AbortSignal.timeout(settings.drainTimeoutMs))
    } catch (error) {
      log.warn({ error: String(error) }, 'could not record everything before stopping; some may be sent again')
    }
  }

  #attempt(parcel: Parcel, subscriber: Subscriber): Promise<AttemptResult> {
    const { config, settings, print } = this.#options
    if (settings.dryRun) return dryAttempt(parcel, subscriber, print)
    const { timeoutMs, retry } = config.delivery
    return attempt(parcel, subscriber, {
      send: (request) => this.#sender.send(request),
      event: (name) => config.event(name),
      defaults: () => ({ timeoutMs, retry, recipients: config.recipients, userAgent: USER_AGENT }),
    })
  }

  #replaceCatalog(catalog: Catalog): void {
    this.#options.config.replaceCatalog(catalog)
    this.#printer.renew()
    this.#session?.reconfigured(this.#printer.payloads)
  }

  #reloadPorts(): ReloadPorts {
    const { pool, config, settings, log } = this.#options
    return {
      pool,
      config,
      settings,
      log,
      plugin: () => this.#plan?.plugin ?? null,
      catalogReplaced: (catalog) => this.#replaceCatalog(catalog),
      publishing: (isPublishing) => (this.#isPublishing = isPublishing),
      redeclared: (gone) => this.#session?.redeclared(gone),
      restartReading: () => this.#reading?.restart(),
    }
  }

  #housekeeping(): HousekeepingPorts {
    const { pool, config, settings, log } = this.#options
    return {
      pool,
      config,
      settings,
      log,
      isActive: () => this.#reading !== null,
      isPublishing: () => this.#isPublishing,
      wake: () => void this.#session?.recoverLanes('an operator asked'),
      publicationLacks: (lack) => (this.#publicationLack = lack),
    }
  }

  /** The first plan tells what there is to watch, and where a run with `once` ends. */
  #watchOnce(plan: ReadingPlan): void {
    const isFirst = this.#plan === null
    this.#plan = plan
    if (!isFirst) return
    const { settings } = this.#options
    if (plan.plugin === 'pgoutput') void watchOver(this.#housekeeping(), this.#scope.signal)
    if (settings.once) void this.#endWhenDone(plan.server.walEnd)
  }

  async #endWhenDone(walEnd: bigint): Promise<void> {
    const { signal } = this.#scope
    for (let looks = 0; looks < ONCE_LOOKS && !signal.aborted;) {
      await sleep(ONCE_POLL_MS, undefined, { signal }).catch(() => undefined)
      looks = this.#reading !== null && this.#session?.isDoneUpTo(walEnd) === true ? looks + 1 : 0
    }
    this.#done.abort()
  }

  #unreadiness(): string | null {
    if (this.#publicationLack !== null) return this.#publicationLack
    if (this.#reading === null) return 'standing by: another process holds the slot, or the database is away'
    return this.#slot?.walStatus === 'lost' ? 'the slot is lost' : null
  }
}
