import type { RowChange } from '../replication/change.ts'
import { JsonObject, type JsonValue, stringifyJson } from '../values/json.ts'
import { type PrintedTable, printCell, rowOf } from './columns.ts'
import { PayloadError } from './facts.ts'
import type { TemplateValues } from './rendering.ts'

/** A row change as the source of a template's values. */
export function rowValues(table: PrintedTable, change: RowChange, config: TemplateValues['config']): TemplateValues {
  return { column: (from, name) => columnJson(table, change, { from, name }), config }
}

/** The data of `hookd.emit` as the source of a template's values: its keys stand for columns. */
export function emittedValues(data: JsonValue, config: TemplateValues['config']): TemplateValues {
  return {
    column(from, name) {
      const value = from !== 'old' && data instanceof JsonObject ? data.get(name) : undefined
      if (value !== undefined) return stringifyJson(value)
      throw new PayloadError('missing_column', `the emitted data has no "${name}" and the event needs it`)
    },
    config,
  }
}

/** A truncated table as the source of a template's values: it has none. */
export function noValues(table: string, config: TemplateValues['config']): TemplateValues {
  return {
    column(_from, name) {
      throw new PayloadError('unknown_value', `column "${name}" has no value: ${table} was truncated`)
    },
    config,
  }
}

interface Reference {
  readonly from: 'row' | 'new' | 'old'
  readonly name: string
}

function columnJson(table: PrintedTable, change: RowChange, { from, name }: Reference): string {
  const { relation } = table
  const index = relation.index.get(name)
  if (index === undefined) {
    throw new PayloadError('missing_column', `column "${name}" does not exist in ${relation.name} (any more)`)
  }
  const cell = cellOf(change, from, index)
  if (cell !== undefined) return printCell(table.columns[index]!, cell, relation)
  throw new PayloadError('unknown_value', `${from} "${name}" of ${relation.name} is not known on ${change.op}${HINT}`)
}

const HINT = ', and the event needs it; REPLICA IDENTITY FULL on the table makes every old value known'

/**
 * Postgres leaves the old key out where it did not change (pgoutput) or repeats it (wal2json): here it is the new one's
 * in both cases.
 */
function cellOf(change: RowChange, from: Reference['from'], index: number) {
  if (from !== 'old') return (from === 'row' ? rowOf(change) : change.new)?.cells[index]
  const { old, new: row } = change
  if (change.op !== 'update' || change.oldComplete) return old?.cells[index]
  return change.relation.key.includes(index) ? (old ?? row)?.cells[index] : undefined
}
