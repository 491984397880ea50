const PART = String.raw`(?:"((?:[^"]|"")+)"|([^".\s]+))`
const NAME = new RegExp(String.raw`^(?:${PART}\.)?${PART}$`)

/**
 * `'article'` -> `'public.article'`, the key of the catalog; null for what is not a name.
 *
 * Names are taken as written, without folding to lower case. A name with a dot, a space or a double quote is quoted as
 * in SQL: `'shop."order.items"'`.
 */
export function parseTableName(text: string): string | null {
  const match = NAME.exec(text)
  if (match === null) return null
  const [, quotedSchema, schema = 'public', quotedTable, table = ''] = match
  return `${quotedSchema?.replaceAll('""', '"') ?? schema}.${quotedTable?.replaceAll('""', '"') ?? table}`
}

/** A schema and a table as `parseTableName` reads them: `public.article`, `shop."order.items"`. */
export function formatTableName(schema: string, table: string): string {
  return `${formatPart(schema)}.${formatPart(table)}`
}

/** A table for an SQL statement: `public.article`, `shop."Order"`. */
export function sqlTableName({ schema, table }: { schema: string; table: string }): string {
  return `${sqlIdentifier(schema)}.${sqlIdentifier(table)}`
}

function formatPart(part: string): string {
  return /["\s.]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part
}

function sqlIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
