import type { EventDefinition } from '../matching/event.ts'
import type { EmittedMessage, Relation, RowChange, TruncateChange } from '../replication/change.ts'
import { parseJson } from '../values/json.ts'
import { type PrintedTable, printedTable } from './columns.ts'
import { type CellConverter, type EmittedFacts, type MessageFacts, PayloadError } from './facts.ts'
import { MessageBodies } from './message-bodies.ts'
import { type EventPlan, type TablePlan, planEvent, planTable } from './plan.ts'
import { type TemplateValues, renderSafely, renderText } from './rendering.ts'
import { emittedValues, noValues, rowValues } from './sources.ts'

export interface PayloadOptions {
  /** Bodies beyond this many bytes are refused. Default 1 MiB. */
  readonly maxBytes?: number
}

const DEFAULT_MAX_BYTES = 1024 * 1024
/** Fit for a header and for patterns: printable ASCII without spaces, no empty segment. */
const EVENT_NAME = /^[!-\-/-~]+(?:\.[!-\-/-~]+)*$/
const LONGEST_EVENT_NAME = 255

/**
 * Renders messages. What depends on the event and on the shape of the table alone is prepared once and kept as long as
 * the event and the relation are in use.
 */
export class Payloads {
  readonly #convert: CellConverter
  readonly #maxBytes: number
  readonly #events = new WeakMap<EventDefinition, { plan: EventPlan; tables: WeakMap<Relation, TablePlan> }>()
  readonly #tables = new WeakMap<Relation, PrintedTable>()

  constructor(convert: CellConverter, { maxBytes = DEFAULT_MAX_BYTES }: PayloadOptions = {}) {
    this.#convert = convert
    this.#maxBytes = maxBytes
  }

  /** The bodies of one message, rendered on demand and shared between subscribers. */
  message(facts: MessageFacts): MessageBodies {
    const { definition, change } = facts
    const { plan, tables } = this.#event(definition)
    if (change.kind === 'emitted') return new MessageBodies(facts, { plan, table: null, maxBytes: this.#maxBytes })
    let table = tables.get(change.relation)
    if (table === undefined) {
      table = planTable(definition, this.#table(change.relation))
      tables.set(change.relation, table)
    }
    return new MessageBodies(facts, { plan, table, maxBytes: this.#maxBytes })
  }

  /** The name an event is sent under. Throws `PayloadError` where its template gives none. */
  eventName(
    definition: EventDefinition,
    change: RowChange | TruncateChange | EmittedMessage,
    emitted: EmittedFacts | null,
  ): string {
    if (definition.name === null) return definition.declaredName
    const template = definition.name
    const name = renderSafely(() => renderText(template, this.#values(change, emitted)))
    if (EVENT_NAME.test(name) && name.length <= LONGEST_EVENT_NAME) return name
    const why = 'printable ASCII without spaces, no empty part between dots, at most 255 characters'
    throw new PayloadError('bad_template', `"${template.source}" gives no usable event name: ${why}`)
  }

  #event(definition: EventDefinition) {
    let event = this.#events.get(definition)
    if (event === undefined) {
      event = { plan: planEvent(definition), tables: new WeakMap() }
      this.#events.set(definition, event)
    }
    return event
  }

  #table(relation: Relation): PrintedTable {
    let table = this.#tables.get(relation)
    if (table === undefined) {
      table = printedTable(relation, this.#convert)
      this.#tables.set(relation, table)
    }
    return table
  }

  #values(change: RowChange | TruncateChange | EmittedMessage, emitted: EmittedFacts | null): TemplateValues {
    if (change.kind === 'row') return rowValues(this.#table(change.relation), change, null)
    if (change.kind === 'truncate') return noValues(change.relation.name, null)
    return emittedValues(parseJson(emitted?.data ?? '{}'), null)
  }
}
