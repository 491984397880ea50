import pg from 'pg'

/** `Ann's "x"` -> `"Ann's ""x"""` */
export function quoteIdentifier(name: string): string {
  refuseNul(name)
  return pg.escapeIdentifier(name)
}

/** A table as SQL names it: `{ schema: 'public', table: 'Order' }` -> `"public"."Order"`. */
export function quoteTable({ schema, table }: { schema: string; table: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
}

/**
 * A string for a replication command, `it's` -> `'it''s'`: their grammar knows no E'' and takes backslashes as they are.
 *
 * https://www.postgresql.org/docs/current/protocol-replication.html
 */
export function quoteReplicationString(text: string): string {
  refuseNul(text)
  return `'${text.replaceAll("'", "''")}'`
}

function refuseNul(text: string): void {
  if (text.includes('\0')) throw new TypeError(`${JSON.stringify(text)} contains a NUL`)
}
