import type { EventDefinition } from '../matching/event.ts'
import type { EmittedMessage, Relation, RowChange, TruncateChange } from '../replication/change.ts'
import { parseJson } from '../values/json.ts'
import { type PrintedTable, printKey, printOldKey, printedTable, rowOf } from './columns.ts'
import { type CellConverter, type EmittedFacts, type MessageFacts, PayloadError } from './facts.ts'
import { MessageBodies } from './message-bodies.ts'
import { type EventPlan, type TablePlan, planEvent, planTable } from './plan.ts'
import { type TemplateValues, renderText } from './rendering.ts'
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
  readonly maxBytes: number
  readonly #convert: CellConverter
  readonly #events = new WeakMap<EventDefinition, { plan: EventPlan; tables: WeakMap<Relation, TablePlan> }>()
  readonly #tables = new WeakMap<Relation, PrintedTable>()
  /** The change whose key was printed last: its messages all need it. */
  #keyed: RowChange | null = null
  #keyJson: string | null = null

  constructor(convert: CellConverter, { maxBytes = DEFAULT_MAX_BYTES }: PayloadOptions = {}) {
    this.#convert = convert
    this.maxBytes = maxBytes
  }

  /** The bodies of one message, rendered on demand and shared between subscribers. */
  message(facts: MessageFacts): MessageBodies {
    const { definition, change } = facts
    const { plan, tables } = this.#event(definition)
    if (change.kind === 'emitted') return new MessageBodies(facts, { plan, table: null, payloads: this })
    let table = tables.get(change.relation)
    if (table === undefined) {
      table = planTable(definition, this.#table(change.relation))
      tables.set(change.relation, table)
    }
    return new MessageBodies(facts, { plan, table, payloads: this })
  }

  /** The name an event is sent under. Throws `PayloadError` where its template gives none. */
  eventName(
    definition: EventDefinition,
    change: RowChange | TruncateChange | EmittedMessage,
    emitted: EmittedFacts | null,
  ): string {
    if (definition.name === null) return definition.declaredName
    const name = renderText(definition.name, this.#values(change, emitted))
    if (EVENT_NAME.test(name) && name.length <= LONGEST_EVENT_NAME) return name
    const why = 'printable ASCII without spaces, no empty part between dots, at most 255 characters'
    throw new PayloadError('bad_template', `"${definition.name.source}" gives no usable event name: ${why}`)
  }

  /** JSON text of the key of the row a change is about, `{"id":1}`; null where there is none or it is not known. */
  rowKeyJson(change: RowChange): string | null {
    if (change === this.#keyed) return this.#keyJson
    this.#keyJson = printKey(this.#table(change.relation), rowOf(change))
    this.#keyed = change
    return this.#keyJson
  }

  /** JSON text of the key that an update moved the row away from; null where it did not. */
  oldRowKeyJson(change: RowChange): string | null {
    return printOldKey(this.#table(change.relation), change)
  }

  /** JSON text of one column of the row a change is about, as `data` would hold it. Throws `PayloadError`. */
  columnJson(change: RowChange, column: string): string {
    return this.#values(change, null).column('row', column)
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
