import { mediaType } from '../delivery/envelopes.ts'
import type { Emission, Match, Occurrence } from '../delivery/dispatcher.ts'
import { pairOf } from '../delivery/dispatcher.ts'
import type { MessageFacts } from '../delivery/facts.ts'
import type { RenderedMessage } from '../delivery/message.ts'
import type { Payloads } from '../delivery/payload.ts'
import type { RowKeys } from '../delivery/row-key.ts'
import { variantKey } from '../delivery/variant.ts'
import { emittedPair } from '../matching/emitted.ts'
import type { EventDefinition } from '../matching/event.ts'
import { UnknownValueError } from '../matching/event.ts'
import { matches as matchesPair } from '../matching/match.ts'
import type { EmittedMessage } from '../replication/change.ts'
import { Unreadable } from '../replication/change.ts'
import type { Subscriber } from '../subscriptions/subscriber.ts'
import { JsonObject, parseJson, stringifyJson } from '../values/json.ts'

/** Whether an event's conditions hold for a change. Throws `UnknownValueError`. */
export function matches(definition: EventDefinition, change: Occurrence): boolean {
  return change.kind === 'truncate' || matchesPair(definition, pairOf(change))
}

/** The text of the column that names the owner; null for SQL NULL. Throws `UnknownValueError`. */
export function ownerOf(definition: EventDefinition, change: Occurrence): string | null {
  if (definition.owner === null || change.kind === 'truncate') return null
  const image = change.new ?? change.old
  const at = image?.relation.index.get(definition.owner)
  const cell = at === undefined ? undefined : image!.cells[at]
  if (cell === undefined) throw new UnknownValueError(definition.owner, 'names the owner, and its value is not known')
  if (cell instanceof Unreadable) throw new UnknownValueError(definition.owner, cell.reason)
  return cell
}

/** Reads what `hookd.emit()` wrote. Throws an Error with a sentence where somebody else wrote something else. */
export function readEmission(message: EmittedMessage): Emission {
  const content = parseJson(message.content)
  if (!(content instanceof JsonObject))
    throw new Error('a logical message with the prefix "hookd" is not from hookd.emit()')
  const event = content.get('event')
  if (typeof event !== 'string') throw new Error('a logical message with the prefix "hookd" names no event')
  const data = stringifyJson(content.get('data') ?? null)
  const ref = content.get('ref')
  const sender = content.get('sender')
  const owner = content.get('owner')
  return {
    event,
    data,
    ref: typeof ref === 'string' ? ref : null,
    sender: sender === undefined || sender === null ? null : stringifyJson(sender),
    owner: typeof owner === 'string' ? owner : null,
    message,
    change: {
      ...emittedPair(data),
      kind: 'row',
      op: 'insert',
      transaction: message.transaction,
      lsn: message.lsn,
      ordinal: message.ordinal,
      relation: emittedPair(data).new!.relation,
    },
  }
}

/** Emitted messages about the same reference keep their order; those without one keep the order of their event. */
export function emittedKeys(emission: Emission): RowKeys {
  return { key: `hookd.emit:${emission.event}:${emission.ref ?? ''}`, oldKey: null, json: null }
}

/** Renders one match: its name now, its bodies when a subscriber needs them. */
export function render(payloads: Payloads, { definition, change, emission }: Match, id: string): RenderedMessage {
  const occurrence = emission === null ? change : emission.message
  const name = payloads.eventName(definition, occurrence, emission)
  const facts: MessageFacts = { id, name, definition, change: occurrence, emitted: emission }
  const bodies = payloads.message(facts)
  return {
    event: name,
    bodyFor(subscriber) {
      const target = bodyTarget(definition, subscriber)
      return {
        body: bodies.body(target),
        variant: variantKey(definition, target),
        contentType: mediaType(target.envelope, target.contentType),
        headers: definition.headers.length === 0 ? NO_HEADERS : bodies.headers(subscriber.config),
      }
    },
  }
}

const NO_HEADERS: readonly string[] = []

function bodyTarget(definition: EventDefinition, subscriber: Subscriber) {
  return {
    envelope: subscriber.envelope ?? definition.envelope ?? ('hookd' as const),
    contentType: subscriber.contentType,
    config: subscriber.config,
    subscriberId: subscriber.id,
    url: subscriber.url,
  }
}
