import type { EventSource } from './event-source.ts'

/** Types without a bound on their length, whose values Postgres may store outside the row. */
const UNBOUNDED = /^(text|character varying|bytea|json|jsonb|xml|hstore|tsvector|.*\[\])$/

/**
 * Why a condition may fail on an update: a large value that the update leaves as it was is not sent, unless the whole
 * old row is. Null where that cannot happen.
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html#PROTOCOL-LOGICALREP-MESSAGE-FORMATS-TUPLEDATA
 */
export function largeValueWarning(
  columns: ReadonlySet<string>,
  { table, operations, oldRows }: EventSource,
): string | null {
  if (!table?.catalog || !oldRows?.columns || !operations.has('update')) return null
  const large = table.catalog.columns.filter(({ name, typeName }) => columns.has(name) && UNBOUNDED.test(typeName))
  if (large.length === 0) return null
  const names = large.map(({ name }) => `"${name}"`).join(', ')
  return `reads ${names}; an update does not send a value of more than about 2 kB that it leaves as it was, to change that, run: ${oldRows.fix}`
}
