import { kindOf } from '../matching/kind.ts'
import { suggest } from '../matching/pattern.ts'
import type { Catalog, CatalogTable } from '../postgres/catalog.ts'

/** Why a column, or a path into one, cannot be used, with the fix; null for one that can. */
export type ColumnCheck = (column: string, path?: readonly string[]) => string | null

/** The check for the columns of a table; without a catalog everything passes. */
export function columnCheck(table: CatalogTable | null, catalog: Catalog | null): ColumnCheck {
  if (table === null || catalog === null) return () => null
  return (name, path = []) => {
    const column = table.columns.find((candidate) => candidate.name === name)
    if (column === undefined) {
      const known = table.columns.filter(({ generated }) => !generated).map((candidate) => candidate.name)
      return `unknown column "${name}" of ${table.name}; ${suggest(name, known)}`
    }
    if (column.generated) {
      return `column "${name}" is generated, and Postgres does not send generated columns; use the columns behind it`
    }
    if (path.length === 0 || kindOf(column.typeOid, (oid) => catalog.types.get(oid)).name === 'json') return null
    return `column "${name}" is ${column.typeName}, which has nothing at "${path.join('.')}"; only json and jsonb have keys`
  }
}
