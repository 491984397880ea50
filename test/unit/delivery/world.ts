import type { Delivery, Parcel } from '../../../src/delivery/delivery.ts'
import { Lane } from '../../../src/delivery/lane.ts'
import type { LanePorts } from '../../../src/delivery/ports.ts'
import type { Outcome } from '../../../src/delivery/outcome.ts'
import { ConfirmRule } from '../../../src/replication/confirm-rule.ts'
import { Resume } from '../../../src/replication/resume.ts'
import type { ResumePoint } from '../../../src/replication/resume.ts'
import { EMPTY } from '../../../src/subscriptions/parse-subscriber.ts'
import type { Subscriber } from '../../../src/subscriptions/subscriber.ts'
import { FakeLedger } from './fake-ledger.ts'
import type { Row } from './fake-ledger.ts'

export const DELIVERED: Outcome = { kind: 'delivered' }
export const DEAD: Outcome = { kind: 'dead', reason: 'answered 413', disable: null }
export const UNCHARGED: Outcome = { kind: 'uncharged', reason: 'no resolver', afterMs: 100 }
export const GONE: Outcome = { kind: 'gone', reason: 'answered 410' }
export function retryAfter(afterMs: number, pauseMs = 0): Outcome {
  return { kind: 'retry', reason: 'answered 500', afterMs, pauseMs }
}

export interface Change {
  readonly at: number
  readonly key: string
  readonly oldKey: string | null
}

/** A request that waits for its answer. */
export interface Request {
  readonly parcel: Parcel
  answer(outcome: Outcome): void
}

export interface Attempt {
  readonly ids: readonly string[]
  readonly parcelId: string
  readonly body: string
  readonly attempts: number
  readonly replayed: number
}

export const SUBSCRIBER: Subscriber = { ...EMPTY, id: 'sub', url: 'https://example.com/' }

/** One lane with everything around it: a stream, a ledger, an endpoint and a clock, all driven by the test. */
export class World {
  readonly attempts: Attempt[] = []
  /** Ids in the order in which something became of them for good. */
  readonly ended = new Map<string, string>()
  readonly changes: Change[] = []
  requests: Request[] = []
  now = 0
  heldBytes = 0
  isCatchingUp = false
  mayStart = true
  hasCaughtUp = true
  hasRoom = true
  lane: Lane
  ledger = new FakeLedger(new Map(), () => this.#save())
  subscriber: Subscriber
  log: string[] = []
  /** What a crash leaves beside the rows of the ledger. */
  saved: { lsn: bigint } & ResumePoint = { lsn: 0n, readUpto: null, open: {} }
  #rule = new ConfirmRule(0n)
  #resume = new Resume({ readUpto: null, open: {} })
  #read = 0
  #hasRead = false
  #life = 0

  constructor(settings: Partial<Subscriber> = {}) {
    this.subscriber = { ...SUBSCRIBER, ...settings }
    this.lane = this.#open()
  }

  /** Epoch milliseconds of the fake wall clock are those of the monotonic one. */
  get ports(): LanePorts {
    const life = this.#life
    const { ledger } = this
    return {
      ledger,
      attempt: (parcel) => this.#attempt(parcel, life),
      mayStart: () => this.mayStart,
      hasCaughtUp: () => this.hasCaughtUp,
      hasRoom: () => this.hasRoom,
      share: () => Infinity,
      held: (bytes) => {
        if (life === this.#life) this.heldBytes += bytes
      },
      now: () => this.now,
      observer: {
        attempted: () => undefined,
        modeChanged: (_id, mode, reason) => this.log.push(`${mode}: ${reason}`),
        disabled: (_id, reason) => this.log.push(`disabled: ${reason}`),
      },
    }
  }

  /** A transaction with one change commits. */
  commit(key: string, oldKey: string | null = null): string {
    const change = { at: this.changes.length + 1, key, oldKey }
    this.changes.push(change)
    if (!this.isCatchingUp) this.readOn()
    return idOf(change)
  }

  /** Reads the next changes of the stream. */
  readOn(count = Infinity): void {
    for (const change of this.changes.slice(this.#read, this.#read + count)) this.#dispatch(change)
    if (this.#read === this.changes.length) this.isCatchingUp = false
  }

  /** Kills the process and starts another one from what is durable; `readOn` makes it read what is not settled. */
  async restart(): Promise<void> {
    this.#life++
    this.requests = []
    this.heldBytes = 0
    this.ledger = new FakeLedger(this.ledger.rows, () => this.#save())
    this.#rule = new ConfirmRule(this.saved.lsn)
    this.#resume = new Resume(this.saved)
    this.isCatchingUp = true
    this.#hasRead = false
    this.#read = Number(this.saved.lsn)
    this.lane = this.#open()
    if ([...this.ledger.rows.values()].some((row) => row.state === 'pending')) this.lane.recover('restart')
    await settled()
  }

  /** Lets `ms` pass, in sweeps. */
  pass(ms: number, setSystemTime: (ms: number) => void, spillAfterMs = 5000): void {
    this.now += ms
    setSystemTime(this.now)
    this.lane.sweep(spillAfterMs)
  }

  row(id: string): Row | undefined {
    return this.ledger.rows.get(id)
  }

  #open(): Lane {
    return new Lane(this.subscriber, this.ports, 100)
  }

  #dispatch(change: Change): void {
    const token = this.#rule.begin()
    const position = { commitLsn: BigInt(change.at), lsn: 0n, ordinal: 0 }
    const id = idOf(change)
    const isSettled = this.#resume.covers(position) && this.#resume.isSettled(position, 'sub', id)
    if (!isSettled) {
      token.open()
      this.lane.offer(deliveryOf(change, { tracker: token, receivedAt: this.now }))
    }
    this.#read = change.at
    this.#hasRead = true
    this.#rule.commit(token, BigInt(change.at))
  }

  #save(): void {
    const owed: Record<string, ResumePoint['open'][string]> = {}
    const debt = this.lane.debt()
    const ids = [...(debt?.ids ?? []), ...[...this.ledger.unstored()].map(({ id }) => id)]
    const from = debt?.from
      ? { position: `0/${hex(debt.from.message.transaction.commitLsn)} 0/0 0`, id: debt.from.id }
      : null
    if (from !== null || ids.length > 0) owed['sub'] = { from, ids }
    const last = this.#hasRead ? { commitLsn: BigInt(this.#read), lsn: 0n, ordinal: 0 } : null
    this.saved = { lsn: this.#rule.confirmable, ...this.#resume.extend(last, owed) }
  }

  #attempt(parcel: Parcel, life: number): ReturnType<LanePorts['attempt']> {
    const ids = parcel.deliveries.map(({ id }) => id)
    const { attempts, replayed } = parcel.deliveries[0]!
    this.attempts.push({ ids, parcelId: parcel.id, body: parcel.body.toString(), attempts, replayed })
    return new Promise((resolve) => {
      const answer = (outcome: Outcome): void => {
        if (life !== this.#life) return
        this.requests.splice(
          this.requests.findIndex((request) => request.parcel === parcel),
          1,
        )
        if (outcome.kind === 'delivered' || outcome.kind === 'dead')
          for (const id of ids) this.ended.set(id, outcome.kind)
        const response = {
          kind: 'response',
          status: 200,
          retryAfter: null,
          location: null,
          body: Buffer.alloc(0),
          durationMs: 0,
        } as const
        resolve({ atMs: this.now, url: '', answer: response, outcome })
      }
      this.requests.push({ parcel, answer })
    })
  }
}

/** Lets every promise that can go on do so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export function idOf({ at }: Pick<Change, 'at'>): string {
  return `d${String(at).padStart(5, '0')}`
}

export function deliveryOf(change: Change, rest: Partial<Delivery> = {}): Delivery {
  return {
    id: idOf(change),
    subscriberId: 'sub',
    message: {
      id: `m${change.at}`,
      event: 'article.changed',
      declaredEvent: 'article.changed',
      table: 'public.article',
      op: 'update',
      rowKeyJson: null,
      transaction: { xid: change.at, commitLsn: BigInt(change.at), committedAt: '2026-01-13T23:12:52.205785Z' },
      lsn: '0/0',
      ordinal: 0,
    },
    variant: 'v',
    contentType: 'application/json',
    body: Buffer.from(`{"at":${change.at}}`),
    headers: [],
    key: change.key,
    oldKey: change.oldKey,
    receivedAt: 0,
    tracker: null,
    stored: false,
    attempts: 0,
    replayed: 0,
    batchId: null,
    ...rest,
  }
}

function hex(value: bigint): string {
  return value.toString(16).toUpperCase()
}
