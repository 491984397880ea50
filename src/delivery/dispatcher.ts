import type { EventDefinition, RowPair } from '../matching/event.ts'
import type { Change, EmittedMessage, Position, RowChange, TruncateChange } from '../replication/change.ts'
import type { Subscription } from '../subscriptions/subscriber.ts'
import type { Delivery, Message, Tracker } from './delivery.ts'
import { deliveryId, messageId } from './identity.ts'
import { PayloadError } from './facts.ts'
import type { RenderedBody, RenderedMessage } from './message.ts'
import type { RowKeys } from './row-key.ts'

/** A change that events can match: rows, truncates, and what hookd.emit() wrote, read as a row of its data. */
export type Occurrence = RowChange | TruncateChange

/** What hookd.emit() was told beside the data. */
export interface Emission {
  readonly event: string
  /** JSON text. */
  readonly data: string
  readonly ref: string | null
  /** JSON text. */
  readonly sender: string | null
  readonly owner: string | null
  readonly message: EmittedMessage
  /** The data as if it were a new row with a jsonb column per key, for filters. */
  readonly change: RowChange
}

/** What could not become a message, as `hookd.errors` records it. */
export interface Failure {
  readonly kind: 'condition' | 'filter' | 'payload' | 'undecodable' | 'emitted'
  readonly event: string | null
  readonly change: Change
  readonly subscriberId: string | null
  readonly message: string
}

export interface DispatcherPorts {
  readonly systemId: string
  /** Events of a table and operation, in the order of their declared names. */
  eventsFor(change: Occurrence): readonly EventDefinition[]
  /** The manual event of that name; undefined where there is none. */
  manualEvent(name: string): EventDefinition | undefined
  readEmission(message: EmittedMessage): Emission
  matches(definition: EventDefinition, change: Occurrence): boolean
  ownerOf(definition: EventDefinition, change: Occurrence): string | null
  reach(
    definition: EventDefinition,
    name: string,
  ): {
    readonly all: readonly Subscription[]
    of(owner: string | null): readonly Subscription[]
    readonly misfits: readonly { readonly subscriber: { readonly id: string }; readonly problem: string }[]
  }
  /** Renders the name at once and bodies on demand; throws an Error with a sentence where the name fails. */
  render(match: Match, messageId: string): RenderedMessage
  keysOf(match: Match): RowKeys
  offer(subscription: Subscription, delivery: Delivery): void
  bury(delivery: Delivery, reason: string): void
  failed(failure: Failure): void
  matched(definition: EventDefinition): void
  now(): number
}

/** Tells what an earlier run has settled; see `Resume`. */
export interface ResumeFilter {
  covers(position: Position): boolean
  isSettled(position: Position, subscriberId: string, deliveryId: string): boolean
}

/**
 * Turns one change into deliveries: which events match, under which name, to whom.
 *
 * Whatever goes wrong with one event is recorded and leaves the other events of the change alone.
 */
export class Dispatcher {
  readonly #ports: DispatcherPorts

  constructor(ports: DispatcherPorts) {
    this.#ports = ports
  }

  /** `resume` is given while changes are read that an earlier run dispatched. */
  dispatch(change: Change, tracker: Tracker, resume: { filter: ResumeFilter; position: Position } | null): void {
    if (change.kind === 'undecodable') {
      if (resume === null) this.#fail('undecodable', change, { message: change.reason })
    } else if (change.kind === 'emitted') {
      this.#dispatchEmission(change, tracker, resume)
    } else {
      for (const definition of this.#ports.eventsFor(change)) {
        this.#dispatchEvent({ definition, change, emission: null }, tracker, resume)
      }
    }
  }

  #dispatchEmission(message: EmittedMessage, tracker: Tracker, resume: Resuming): void {
    let emission: Emission
    try {
      emission = this.#ports.readEmission(message)
    } catch (error) {
      if (resume === null) this.#fail('emitted', message, { message: sentence(error) })
      return
    }
    const definition = this.#ports.manualEvent(emission.event)
    if (definition !== undefined) {
      this.#dispatchEvent({ definition, change: emission.change, emission }, tracker, resume)
    } else if (resume === null) {
      const text = `no event "${emission.event}" with "manual: true" is declared`
      this.#fail('emitted', message, { event: emission.event, message: text })
    }
  }

  #dispatchEvent(match: Match, tracker: Tracker, resume: Resuming): void {
    const { definition, change } = match
    const event = definition.declaredName
    try {
      if (!this.#ports.matches(definition, change)) return
    } catch (error) {
      if (resume === null) this.#fail('condition', change, { event, message: sentence(error) })
      return
    }
    const id = this.#identify(match)
    let rendered: RenderedMessage
    let subscriptions: readonly Subscription[]
    try {
      rendered = this.#ports.render(match, id)
      subscriptions = this.#subscriptions(match, rendered.event, resume)
    } catch (error) {
      if (resume === null) this.#fail('payload', change, { event, message: sentence(error) })
      return
    }
    if (resume === null) this.#ports.matched(definition)
    if (subscriptions.length > 0) this.#send(this.#sending(match, { id, rendered, tracker, resume }), subscriptions)
  }

  #subscriptions(match: Match, name: string, resume: Resuming): readonly Subscription[] {
    const { definition, change, emission } = match
    const reach = this.#ports.reach(definition, name)
    if (resume === null) {
      for (const { subscriber, problem } of reach.misfits) {
        const detail = { event: definition.declaredName, subscriberId: subscriber.id, message: problem }
        this.#fail('filter', change, detail)
      }
    }
    const owner = emission === null ? undefined : emission.owner
    if (definition.broadcast || (definition.owner === null && (owner ?? null) === null)) return reach.all
    return reach.of(owner ?? (definition.owner === null ? null : this.#ports.ownerOf(definition, change)))
  }

  #sending(match: Match, what: Pick<Sending, 'rendered' | 'tracker' | 'resume'> & { readonly id: string }): Sending {
    const { definition, change, emission } = match
    const { rendered, tracker, resume } = what
    const keys = this.#ports.keysOf(match)
    const message: Message = {
      id: what.id,
      event: rendered.event,
      declaredEvent: definition.declaredName,
      table: emission === null ? change.relation.name : null,
      op: emission === null ? change.op : 'emit',
      rowKeyJson: keys.json,
      transaction: change.transaction,
      lsn: change.lsn,
      ordinal: change.ordinal,
    }
    return { change, message, keys, rendered, tracker, resume }
  }

  #send(what: Sending, subscriptions: readonly Subscription[]): void {
    const { change, message, resume } = what
    for (const subscription of subscriptions) {
      const { subscriber, filter } = subscription
      const id = deliveryId(message.id, subscriber.id)
      if (resume !== null && resume.filter.isSettled(resume.position, subscriber.id, id)) continue
      try {
        if (filter !== null && !filter(pairOf(change))) continue
      } catch (error) {
        const detail = { event: message.declaredEvent, subscriberId: subscriber.id, message: sentence(error) }
        this.#fail('filter', change, detail)
        continue
      }
      this.#hand(subscription, id, what)
    }
  }

  #hand(subscription: Subscription, id: string, what: Sending): void {
    const { subscriber } = subscription
    const { message, keys, tracker } = what
    let content: RenderedBody
    let reason: string | null = null
    try {
      content = what.rendered.bodyFor(subscriber)
    } catch (error) {
      reason = deadLetterReason(error, message)
      if (reason === null) {
        const detail = { event: message.declaredEvent, message: sentence(error) }
        if (what.resume === null) this.#fail('payload', what.change, detail)
        return
      }
      content = { body: NO_BODY, variant: 'unsendable', contentType: subscriber.contentType, headers: [] }
    }
    const delivery: Delivery = {
      id,
      subscriberId: subscriber.id,
      message,
      variant: content.variant,
      contentType: content.contentType,
      body: content.body,
      headers: content.headers,
      key: keys.key,
      oldKey: keys.oldKey,
      receivedAt: this.#ports.now(),
      tracker,
      stored: false,
      attempts: 0,
      replayed: 0,
      batchId: null,
    }
    tracker.open()
    if (reason === null) this.#ports.offer(subscription, delivery)
    else this.#ports.bury(delivery, reason)
  }

  #identify({ definition, change }: Match): string {
    return messageId({
      systemId: this.#ports.systemId,
      xid: change.transaction.xid,
      committedAt: change.transaction.committedAt,
      lsn: change.lsn,
      ordinal: change.ordinal,
      event: definition.declaredName,
    })
  }

  #fail(kind: Failure['kind'], change: Change, detail: Partial<Failure> & { message: string }): void {
    this.#ports.failed({ kind, change, event: null, subscriberId: null, ...detail })
  }
}

type Resuming = { filter: ResumeFilter; position: Position } | null

/** An event that a change matches. */
export interface Match {
  readonly definition: EventDefinition
  readonly change: Occurrence
  readonly emission: Emission | null
}

/** A message on its way to those whom it reaches. */
interface Sending {
  readonly change: Occurrence
  readonly message: Message
  readonly keys: RowKeys
  readonly rendered: RenderedMessage
  readonly tracker: Tracker
  readonly resume: Resuming
}

const NO_BODY = Buffer.alloc(0)

/** Why a body can never be sent, with where to find the row; null where the fault is the event's own. */
function deadLetterReason(error: unknown, message: Message): string | null {
  if (!(error instanceof PayloadError)) return null
  if (error.problem !== 'too_large' && error.problem !== 'unreadable_value') return null
  const kind = error.problem === 'too_large' ? 'payload_too_large' : 'unreadable_value'
  const row = `row ${message.rowKeyJson ?? 'without a known key'} of ${message.table ?? 'hookd.emit()'}`
  return `${kind}: ${error.message}; ${row} at ${message.lsn}`
}

/** What a condition sees of a change; a truncate has no rows. */
export function pairOf(change: Occurrence): RowPair {
  if (change.kind === 'truncate') return { op: 'delete', old: null, oldComplete: false, new: null }
  return change
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
