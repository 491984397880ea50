import type { Delivery } from '../delivery/delivery.ts'
import { Dispatcher } from '../delivery/dispatcher.ts'
import type { Failure } from '../delivery/dispatcher.ts'
import { Lanes } from '../delivery/lanes.ts'
import type { Payloads } from '../delivery/payload.ts'
import { rowKeys } from '../delivery/row-key.ts'
import { cancelDeliveries } from '../ledger/janitor.ts'
import type { Progress } from '../ledger/progress.ts'
import type { Refusal } from '../ledger/salvage.ts'
import type { EventDefinition } from '../matching/event.ts'
import type { Change, Position, StreamSink } from '../replication/change.ts'
import { ConfirmRule } from '../replication/confirm-rule.ts'
import type { ConfirmToken } from '../replication/confirm-rule.ts'
import { comparePositions, parsePosition } from '../replication/position.ts'
import { Resume } from '../replication/resume.ts'
import { StreamReader } from '../replication/stream-reader.ts'
import { Directory } from '../subscriptions/directory.ts'
import type { Reach } from '../subscriptions/directory.ts'
import { errorOf } from './error-of.ts'
import { directoryRules, subscriberRules } from './rules.ts'
import { emittedKeys, matches, ownerOf, readEmission, render } from './occurrences.ts'
import { owedBySubscriber } from './owed.ts'
import type { SessionLedger, SessionPorts, TakenSlot } from './session-ports.ts'
import { SubscriberFeed } from './subscriber-feed.ts'

/** WAL of others that may pass before an idle slot is confirmed: more than recording that takes itself. */
const IDLE_BYTES = 64n * 1024n
/** The same for a database where hardly anything happens, where it may take a while. */
const QUIET_BYTES = 2048n
const QUIET_MS = 5000

/**
 * Everything in memory that belongs to one hold of the slot: from the moment this process takes it until another one
 * does. It outlives the connections that read the slot.
 */
export class Session {
  readonly #ports: SessionPorts
  readonly #taken: TakenSlot
  readonly #abort = new AbortController()
  readonly #confirmRule: ConfirmRule
  readonly #reader: StreamReader<ConfirmToken>
  readonly #resume: Resume
  readonly #directory: Directory
  readonly #feed: SubscriberFeed
  readonly #dispatcher: Dispatcher
  readonly #lanes: Lanes
  readonly #ledger: SessionLedger
  #payloads: Payloads
  #catchingUpTo: Position | null
  #settledAt = performance.now()
  #recordedLsn: bigint
  #recordedAt = performance.now()
  #isHeldBack = false
  #walEnd: bigint

  constructor(taken: TakenSlot, ports: SessionPorts) {
    this.#ports = ports
    this.#taken = taken
    this.#payloads = ports.payloads
    this.#recordedLsn = taken.lsn
    this.#walEnd = taken.lsn
    this.#confirmRule = new ConfirmRule(taken.lsn)
    this.#resume = new Resume(taken)
    this.#catchingUpTo = taken.readUpto === null ? null : parsePosition(taken.readUpto)
    if (this.#catchingUpTo !== null && this.#catchingUpTo.commitLsn < taken.lsn) this.#catchingUpTo = null
    if (this.#catchingUpTo === null) this.#resume.end()
    this.#directory = new Directory(directoryRules(ports.config))
    this.#feed = this.#createFeed()
    this.#lanes = this.#createLanes()
    this.#ledger = this.#createLedger()
    this.#dispatcher = this.#createDispatcher()
    this.#reader = new StreamReader<ConfirmToken>(
      {
        confirmRule: this.#confirmRule,
        dispatch: (change, token, position) => this.#dispatch(change, token, position),
        committed: (changes, endLsn) => this.#feed.apply(changes, endLsn),
        covers: (position) => this.#resume.covers(position),
      },
      this.#catchingUpTo !== null,
      taken.lsn,
    )
  }

  get epoch(): string {
    return this.#taken.epoch
  }

  /** The server's timeline when the slot was taken. */
  get timeline(): number {
    return this.#taken.timeline
  }

  /** Just past the last commit that was read. */
  get seenUpto(): bigint {
    return this.#reader.seenUpto
  }

  /** Where reading starts after a reconnection. */
  get startLsn(): bigint {
    return this.#recordedLsn
  }

  get lanes(): Lanes {
    return this.#lanes
  }

  get directorySize(): number {
    return this.#directory.size
  }

  get committedAt(): string | null {
    return this.#reader.committedAt
  }

  /** Bytes of WAL between the confirmed position and the end that the server last told. */
  get lagBytes(): number {
    return Number(this.#walEnd - this.#recordedLsn)
  }

  /** Bytes of WAL between a position and the end that the server last told. */
  bytesSince(lsn: bigint | null): number {
    return lsn === null ? Number.NaN : Number(this.#walEnd - lsn)
  }

  /** For how long something has been unsettled. */
  get lagSeconds(): number {
    if (this.#confirmRule.isIdle) this.#settledAt = performance.now()
    return (performance.now() - this.#settledAt) / 1000
  }

  /** Everything that committed before `lsn` is settled, and nothing is in flight or queued. */
  isDoneUpTo(lsn: bigint): boolean {
    return this.#confirmRule.confirmable >= lsn && this.#lanes.isResting && this.#ledger.isQuiet
  }

  /** What the decoder reports to. */
  get sink(): StreamSink {
    return {
      begin: (transaction) => this.#reader.begin(transaction),
      change: (change) => this.#reader.change(change),
      commit: (transaction, endLsn) => {
        this.#reader.commit(transaction, endLsn)
        if (this.#catchingUpTo !== null && transaction.commitLsn >= this.#catchingUpTo.commitLsn) this.#caughtUp()
        this.#touchWhenIdle()
      },
    }
  }

  keepalive(walEnd: bigint): void {
    if (walEnd > this.#walEnd) this.#walEnd = walEnd
    if (this.#reader.isInTransaction) return
    if (this.#catchingUpTo !== null && walEnd > this.#catchingUpTo.commitLsn) this.#caughtUp()
    this.#confirmRule.idle(walEnd)
    this.#touchWhenIdle()
  }

  /** Loads the subscribers, and opens the lanes of those that have something pending. */
  async load(): Promise<void> {
    for (const row of this.#taken.directory) this.#feed.load(row)
    await this.recoverLanes('left from an earlier run')
  }

  /** Writes to the ledger until `stop`. Rejects when another process has taken the slot. */
  async run(): Promise<void> {
    this.#lanes.start()
    try {
      await this.#ledger.run(this.#abort.signal)
    } finally {
      this.#lanes.stop()
    }
  }

  /** Opens the lanes of everybody who has something pending in the ledger; cancels what belongs to nobody. */
  async recoverLanes(reason: string): Promise<void> {
    const fixed = new Map(this.#ports.config.staticSubscribers().map((subscriber) => [subscriber.id, subscriber]))
    for (const id of await this.#ledger.pendingSubscribers()) {
      const subscriber = this.#directory.get(id) ?? fixed.get(id)
      if (subscriber === undefined) this.#cancel(id)
      else this.#lanes.recover(subscriber, reason)
    }
  }

  /** The configuration or the catalog has changed. */
  reconfigured(payloads: Payloads): void {
    this.#payloads = payloads
    this.#directory.forgetEvents()
  }

  /** The subscribers of hookd.yaml have changed: what waits for those that are `gone` is cancelled. */
  redeclared(gone: readonly string[]): void {
    for (const id of gone) this.#remove(id)
    for (const subscriber of this.#ports.config.staticSubscribers()) this.#lanes.update(subscriber)
  }

  /** Stores or finishes what is in memory until the signal aborts, and records how far everything is settled. */
  async drain(deadline: AbortSignal): Promise<void> {
    await this.#lanes.drain(deadline)
    await this.#ledger.drain(AbortSignal.timeout(5000))
  }

  stop(): void {
    this.#abort.abort()
    this.#lanes.stop()
  }

  #dispatch(change: Change, token: ConfirmToken, position: Position | null): void {
    const resume = position === null ? null : { filter: this.#resume, position }
    this.#dispatcher.dispatch(change, token, resume)
    if (position === null || this.#catchingUpTo === null) return
    if (comparePositions(position, this.#catchingUpTo) >= 0) this.#caughtUp()
  }

  /** What the ledger is behind with holds the lanes back until it has caught up. */
  #mayStart(): boolean {
    this.#isHeldBack = this.#ledger.isBehind
    return !this.#isHeldBack && this.#ports.mayStart()
  }

  #caughtUp(): void {
    this.#catchingUpTo = null
    this.#resume.end()
    this.#ledger.touch()
  }

  #touchWhenIdle(): void {
    const passed = this.#confirmRule.confirmable - this.#recordedLsn
    if (passed < QUIET_BYTES) return
    if (passed >= IDLE_BYTES || performance.now() - this.#recordedAt > QUIET_MS) this.#ledger.touch()
  }

  /** While the stretch that an earlier run had read is being read again, its record still counts for what lies ahead. */
  #snapshot(unstored: Iterable<Delivery>): Progress {
    const { readUpto } = this.#reader
    const owed = owedBySubscriber(this.#lanes.debts(), unstored)
    const record = this.#resume.extend(readUpto === null ? null : parsePosition(readUpto), owed)
    return { lsn: this.#confirmRule.confirmable, ...record }
  }

  #createFeed(): SubscriberFeed {
    return new SubscriberFeed({
      directory: this.#directory,
      rules: subscriberRules(() => this.#ports.config.delivery.retry),
      updated: (subscriber) => this.#lanes.update(subscriber),
      removed: (id) => this.#remove(id),
      quarantined: (id, problem) => {
        this.#ledger.disable(id, problem)
        this.#ports.observer.disabled(id, problem)
      },
    })
  }

  #createLanes(): Lanes {
    const { config, observer } = this.#ports
    return new Lanes({
      ports: {
        ledger: {
          store: (delivery) => this.#ledger.store(delivery),
          postpone: (delivery, result, atMs) => this.#ledger.postpone(delivery, result, atMs),
          settle: (delivery, state, result) => this.#ledger.settle(delivery, state, result),
          disable: (id, reason) => this.#ledger.disable(id, reason),
          readFresh: (query) => this.#ledger.readFresh(query),
          readDue: (id, limit) => this.#ledger.readDue(id, limit),
          readParked: (id) => this.#ledger.readParked(id),
        },
        attempt: this.#ports.attempt,
        mayStart: () => this.#mayStart(),
        hasCaughtUp: () => this.#catchingUpTo === null,
        now: () => performance.now(),
        observer,
      },
      spillAfterMs: () => config.delivery.spillAfterMs,
      stepOf: (subscriber) => (subscriber.retry ?? config.delivery.retry).scheduleMs[0] ?? 0,
      pauseReading: this.#ports.pauseReading,
      resumeReading: this.#ports.resumeReading,
    })
  }

  #createLedger(): SessionLedger {
    const { pool, writerPool, config, log } = this.#ports
    return this.#ports.createLedger({
      pool,
      writerPool,
      target: { slot: this.#taken.slot, epoch: this.#taken.epoch },
      logAll: () => config.delivery.deliveryLog === 'all',
      signal: this.#abort.signal,
      snapshot: (unstored) => {
        const progress = this.#snapshot(unstored)
        return { progress, directory: this.#feed.take(progress.lsn) }
      },
      recorded: (lsn) => {
        this.#recordedLsn = lsn
        this.#recordedAt = performance.now()
        if (this.#confirmRule.isIdle) this.#settledAt = performance.now()
        this.#ports.confirm(lsn)
        if (this.#isHeldBack) this.#lanes.pump()
      },
      held: (bytes) => this.#lanes.held(bytes),
      failed: (error) => log.warn({ error: String(error) }, 'cannot write to the ledger; trying again'),
      refused: (refusal) => this.#refused(refusal),
    })
  }

  #createDispatcher(): Dispatcher {
    const { config, toJson } = this.#ports
    return new Dispatcher({
      systemId: this.#taken.systemId,
      eventsFor: (change) => config.eventsFor(change),
      manualEvent: (name) => config.manualEvent(name),
      readEmission,
      matches,
      ownerOf,
      reach: (definition: EventDefinition, name: string): Reach => this.#directory.reach(definition, name),
      render: (match, id) => render(this.#payloads, match, id),
      keysOf: ({ change, emission }) => (emission === null ? rowKeys(change, toJson) : emittedKeys(emission)),
      offer: ({ subscriber }, delivery) => this.#lanes.offer(subscriber, delivery),
      bury: (delivery, reason) => this.#bury(delivery, reason),
      failed: (failure) => this.#fail(failure),
      matched: ({ declaredName }) => this.#ports.matched(declaredName),
      now: () => performance.now(),
    })
  }

  #bury(delivery: Delivery, reason: string): void {
    const { subscriberId, message } = delivery
    this.#ledger.bury(delivery, reason)
    this.#ports.failed('dead_letter')
    this.#ports.log.warn(
      { subscriber: subscriberId, delivery: delivery.id, event: message.event },
      `dead letter: ${reason}`,
    )
  }

  /** A row of a lane may have waited for what is a dead letter now: the lane looks at the ledger again. */
  #refused({ subscriberId, sentence }: Refusal): void {
    this.#ports.failed('ledger')
    this.#ports.log.error({ subscriber: subscriberId }, `not recorded as it was: ${sentence}`)
    if (subscriberId === null) return
    const subscriber =
      this.#directory.get(subscriberId) ?? this.#ports.config.staticSubscribers().find(({ id }) => id === subscriberId)
    if (subscriber !== undefined) this.#lanes.recover(subscriber, 'dead letter')
  }

  #fail(failure: Failure): void {
    const { systemId } = this.#taken
    const error = errorOf(failure, { systemId, toJson: this.#ports.toJson })
    this.#ledger.error(error)
    this.#ports.failed(error.kind)
    const { kind, event, table, lsn } = error
    this.#ports.log.warn({ kind, event, table, lsn }, error.message)
  }

  #remove(subscriberId: string): void {
    this.#lanes.remove(subscriberId)
    this.#cancel(subscriberId)
  }

  #cancel(subscriberId: string): void {
    void this.#cancelStored(subscriberId).catch((error: unknown) => {
      const fields = { subscriber: subscriberId, error: String(error) }
      this.#ports.log.warn(fields, 'could not cancel the deliveries of a removed subscriber; the next start does')
    })
  }

  async #cancelStored(subscriberId: string): Promise<void> {
    const { pool, log } = this.#ports
    await this.#ledger.flushed()
    const count = await cancelDeliveries(pool, subscriberId, this.#abort.signal)
    if (count > 0)
      log.info({ subscriber: subscriberId, count }, 'cancelled the pending deliveries of a removed subscriber')
  }
}
