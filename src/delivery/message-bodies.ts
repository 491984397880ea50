import { type JsonValue, JsonObject, parseJson, stringifyJson } from '../values/json.ts'
import { type PrintedColumn, changedColumns, printKey, printRow, rowOf } from './columns.ts'
import {
  type BodyParts,
  cloudeventsBody,
  flatBody,
  hookdBody,
  mergedFlatBody,
  resthooksBody,
  standardBody,
  thornBody,
} from './envelopes.ts'
import { type BodyTarget, type MessageFacts, PayloadError } from './facts.ts'
import { formEncode } from './form.ts'
import { valueProblem } from './headers.ts'
import type { EventPlan, TablePlan } from './plan.ts'
import { type TemplateValues, refersTo, renderJson, renderSafely, renderText, renderUrl } from './rendering.ts'
import { emittedValues, noValues, rowValues } from './sources.ts'
import { variantKey } from './variant.ts'

type Config = BodyTarget['config']

export interface BodyPlans {
  readonly plan: EventPlan
  /** Null for an emitted message. */
  readonly table: TablePlan | null
  readonly maxBytes: number
}

/** The bodies of one message: each variant is rendered once, and what variants have in common once for all. */
export class MessageBodies {
  readonly #facts: MessageFacts
  readonly #plans: BodyPlans
  readonly #variants = new Map<string, Buffer | PayloadError>()
  #emitted: JsonValue | undefined
  #parts: BodyParts | null = null
  #meta: string | null = null
  #unknown: PrintedColumn[] = []

  constructor(facts: MessageFacts, plans: BodyPlans) {
    this.#facts = facts
    this.#plans = plans
  }

  /** The exact bytes to send. Throws `PayloadError`, and the same one again for the same variant. */
  body(target: BodyTarget): Buffer {
    const key = variantKey(this.#facts.definition, target)
    let body = this.#variants.get(key)
    if (body === undefined) {
      body = this.#attempt(target)
      this.#variants.set(key, body)
    }
    if (body instanceof PayloadError) throw body
    return body
  }

  /** The event's own headers, flat. Throws `PayloadError` where a template gives no header. */
  headers(config: Config): string[] {
    return this.#facts.definition.headers.flatMap(({ name, template }) => {
      const value = renderSafely(() => renderText(template, this.#values(config)))
      const problem = valueProblem(value)
      if (problem === null) return [name, value]
      throw new PayloadError('bad_template', `header "${name}" of the event ${problem}`)
    })
  }

  #attempt(target: BodyTarget): Buffer | PayloadError {
    try {
      const json = renderSafely(() => this.#json(target))
      const text = target.contentType === 'application/json' ? json : formEncode(json)
      const body = Buffer.from(text, 'utf8')
      const { maxBytes } = this.#plans
      if (body.length <= maxBytes) return body
      return new PayloadError('too_large', `the body has ${body.length} bytes; max_payload allows ${maxBytes}`)
    } catch (error) {
      if (error instanceof PayloadError) return error
      throw error
    }
  }

  #json(target: BodyTarget): string {
    const { plan, table } = this.#plans
    const parts = this.#partsFor(target.config)
    switch (target.envelope) {
      case 'hookd': {
        this.#meta ??= this.#printMeta()
        return hookdBody(parts, this.#meta, { old: this.#printOld(), extras: plan.extras.hookd })
      }
      case 'thorn':
        return thornBody(parts, plan.extras.thorn)
      case 'resthooks':
        return resthooksBody(parts, { id: target.subscriberId, url: target.url }, plan.extras.resthooks)
      case 'flat': {
        const created = this.#facts.change.kind === 'row' && this.#facts.change.op === 'insert'
        if (table !== null && !table.flatCollides) return flatBody(parts.data, created, plan.extras.flat)
        return mergedFlatBody(parts.data, created, this.#facts.definition.requestData)
      }
      case 'raw':
        return parts.data
      case 'standard':
        return standardBody(parts, this.#facts.change.transaction.committedAt, plan.extras.standard)
      case 'cloudevents': {
        const { id, change } = this.#facts
        const source = { id, table: table?.table.relation.name ?? null, committedAt: change.transaction.committedAt }
        return cloudeventsBody(parts, source)
      }
    }
  }

  #partsFor(config: Config): BodyParts {
    if (this.#plans.plan.usesConfig) return this.#printParts(config)
    return (this.#parts ??= this.#printParts(null))
  }

  #printParts(config: Config): BodyParts {
    const { name, definition } = this.#facts
    const { plan, table } = this.#plans
    if (table?.problem) throw table.problem
    return {
      event: name === definition.declaredName ? plan.quotedName : JSON.stringify(name),
      ref: this.#printRef(config),
      sender: this.#printSender(),
      data: this.#printData(config),
    }
  }

  #printRef(config: Config): string {
    const { definition, emitted, change } = this.#facts
    if (emitted !== null && emitted.ref !== null) return JSON.stringify(emitted.ref)
    if (definition.ref === null) return 'null'
    if (change.kind === 'truncate' && refersTo(definition.ref, 'row')) return 'null'
    return JSON.stringify(renderUrl(definition.ref, this.#values(config)))
  }

  #printSender(): string {
    const { definition, emitted, change } = this.#facts
    if (emitted !== null && emitted.sender !== null) return stringifyJson(parseJson(emitted.sender))
    if (definition.sender === null || change.kind === 'truncate') return 'null'
    return this.#values(null).column('row', definition.sender)
  }

  #printData(config: Config): string {
    const { definition, change } = this.#facts
    const { table } = this.#plans
    if (change.kind === 'truncate') return '{}'
    if (definition.data.kind === 'templates') {
      const values = this.#values(config)
      const members = definition.data.fields.map(
        ({ key, template }) => `${JSON.stringify(key)}:${renderJson(template, values)}`,
      )
      return `{${members.join(',')}}`
    }
    if (change.kind === 'emitted' || table === null) return this.#printEmitted()
    const row = rowOf(change)
    this.#unknown = []
    return row === null ? '{}' : printRow(table.selected, row, this.#unknown)
  }

  #printEmitted(): string {
    const { data } = this.#facts.definition
    const root = this.#emittedData()
    if (data.kind !== 'only' && data.kind !== 'except') return stringifyJson(root)
    if (!(root instanceof JsonObject)) {
      throw new PayloadError('bad_template', 'the event selects keys of its data, which is not an object')
    }
    const { entries } = root
    if (data.kind === 'except') {
      return stringifyJson(new JsonObject(entries.filter(([key]) => !data.columns.includes(key))))
    }
    const values = emittedValues(root, null)
    return `{${data.columns.map((key) => `${JSON.stringify(key)}:${values.column('new', key)}`).join(',')}}`
  }

  #printMeta(): string {
    const { id, change } = this.#facts
    const { table } = this.#plans
    const { transaction, lsn } = change
    const head = table === null || change.kind === 'emitted' ? EMITTED_HEAD : table.metaHead[change.op]
    const key = change.kind === 'row' && table !== null ? printKey(table.table, rowOf(change)) : null
    const when = `,"committed_at":"${transaction.committedAt}","lsn":"${lsn}","xid":${transaction.xid}`
    return `{"id":"${id}${head}${key ?? 'null'}${when}${this.#printChanged()}${nameList('unknown', this.#unknown)}}`
  }

  /** By default only what the event lets subscribers see; `include: [changed]` asks for every column, or null. */
  #printChanged(): string {
    const { change, definition } = this.#facts
    const { table } = this.#plans
    if (change.kind !== 'row' || table === null) return definition.includeChanged ? ',"changed":null' : ''
    const columns = definition.includeChanged ? table.table.columns : table.selected
    const changed = change.op === 'update' ? changedColumns(columns, change) : null
    if (changed === null) return definition.includeChanged ? ',"changed":null' : ''
    return `,"changed":[${changed.map(({ quotedName }) => quotedName).join(',')}]`
  }

  /** Null where the event does not include it. Of an incomplete old row only the key is told, the same for both plugins. */
  #printOld(): string | null {
    const { change, definition } = this.#facts
    const { table } = this.#plans
    if (!definition.includeOld) return null
    if (change.kind !== 'row' || table === null || change.op === 'insert') return 'null'
    if (change.old !== null && (change.op === 'delete' || change.oldComplete)) {
      return printRow(table.selected, change.old, null)
    }
    return printKey(table.table, change.old ?? change.new) ?? 'null'
  }

  #values(config: Config): TemplateValues {
    const { change } = this.#facts
    const { table } = this.#plans
    if (change.kind === 'truncate') return noValues(change.relation.name, config)
    if (change.kind === 'emitted' || table === null) return emittedValues(this.#emittedData(), config)
    return rowValues(table.table, change, config)
  }

  #emittedData(): JsonValue {
    return (this.#emitted ??= parseJson(this.#facts.emitted?.data ?? '{}'))
  }
}

const EMITTED_HEAD = '","op":"emit","table":null,"key":'

function nameList(name: string, columns: readonly PrintedColumn[]): string {
  return columns.length === 0 ? '' : `,"${name}":[${columns.map(({ quotedName }) => quotedName).join(',')}]`
}
