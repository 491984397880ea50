import type { Catalog } from '../postgres/catalog.ts'
import type { Operation } from '../replication/change.ts'
import { choices, flag, read, text } from './fields.ts'
import type { Field } from './fields.ts'
import { oldRowsOf } from './old-rows.ts'
import type { OldRows } from './old-rows.ts'
import type { Problems } from './problems.ts'
import { findTable } from './tables.ts'
import type { NamedTable } from './tables.ts'

/** Where the messages of an event come from. */
export interface EventSource {
  /** Sent with `hookd.emit()` rather than by changes of a table. */
  readonly manual: boolean
  /** Null for a manual event, and where the file names no usable one. */
  readonly table: NamedTable | null
  readonly operations: ReadonlySet<Operation>
  /** Null where that is not known, and where it does not matter any more. */
  readonly oldRows: OldRows | null
}

const OPERATIONS = ['insert', 'update', 'delete', 'truncate'] as const
/** Keys that need the changes of a table, which a manual event does not have. */
const CHANGE_KEYS = ['table', 'on', 'when', 'changed', 'skip_noop', 'include']
/** Keys that need a row, which a truncate does not have; `owner` stays, so that nobody else hears of it. */
const ROW_KEYS = ['when', 'changed', 'skip_noop', 'include', 'ref', 'sender', 'data']

interface Declared {
  /** `event "article.created"` */
  readonly where: string
  /** Offset of the event's name. */
  readonly at: number
  readonly given: ReadonlySet<string>
  readonly catalog: Catalog | null
  readonly problems: Problems
}

/** Reads `manual`, `table` and `on`, and reports keys that have no effect on such an event. */
export function eventSource(fields: ReadonlyMap<string, Field>, declared: Declared): EventSource {
  const { where, at, given, catalog, problems } = declared
  const manual = read(fields, 'manual', flag) ?? false
  const undecided = fields.has('manual') && fields.get('manual')?.node.kind !== 'boolean'
  if (manual) {
    refuse(fields, CHANGE_KEYS, 'has no effect on a manual event, which hookd.emit() sends')
    return { manual, table: null, operations: new Set(), oldRows: null }
  }
  if (!given.has('table') && !undecided)
    problems.report(at, `${where} needs a "table", or "manual: true" to be sent with hookd.emit()`)
  if (!given.has('on') && !undecided)
    problems.report(at, `${where} needs "on": insert, update, delete or truncate, or a list of them`)
  const table = read(fields, 'table', (field) => readTable(field, catalog))
  const operations = new Set<Operation>(read(fields, 'on', readOperations) ?? ['update'])
  if (operations.has('truncate')) refuse(fields, ROW_KEYS, 'has no effect on a truncate, which has no row')
  return { manual, table, operations, oldRows: usableOldRows(fields, { table, operations, catalog }) }
}

function readTable(field: Field, catalog: Catalog | null): NamedTable | null {
  const name = text(field)
  const table = name === null ? null : findTable(name, catalog)
  if (typeof table !== 'string') return table
  field.problems.report(field.node.at, `"table" in ${field.where}: ${table}`)
  return null
}

function readOperations(field: Field): Operation[] | null {
  const { node, problems, where } = field
  if (node.kind === 'list' && node.items.length === 0) problems.report(node.at, `"on" in ${where} names no operation`)
  const operations = choices(field, OPERATIONS) ?? []
  if (operations.length > 1 && operations.includes('truncate')) {
    problems.report(node.at, `a truncate has no row; move it from ${where} to an event of its own`)
    return operations.filter((operation) => operation !== 'truncate')
  }
  return operations.length === 0 ? null : operations
}

function usableOldRows(
  fields: ReadonlyMap<string, Field>,
  { table, operations, catalog }: Pick<EventSource, 'table' | 'operations'> & { catalog: Catalog | null },
): OldRows | null {
  if (catalog === null || !table?.catalog) return null
  const oldRows = oldRowsOf(table.catalog, catalog)
  const on = fields.get('on')
  if (oldRows.invisible === null || !(operations.has('update') || operations.has('delete')) || on === undefined)
    return oldRows
  const fix = `add a primary key, or run: ${oldRows.fix}`
  const what = `Postgres does not send updates and deletes of "${table.name}", because ${oldRows.invisible}`
  on.problems.report(on.node.at, `"on" in ${on.where}: ${what}; ${fix}`)
  return null
}

function refuse(fields: ReadonlyMap<string, Field>, keys: readonly string[], why: string): void {
  for (const key of keys) {
    const field = fields.get(key)
    if (field !== undefined) field.problems.report(field.at, `"${key}" in ${field.where} ${why}; remove it`)
  }
}
