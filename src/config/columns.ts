import type { CatalogTable } from '../postgres/catalog.ts'
import { suggestion } from './fields.ts'

/** Why a column cannot be used, with the fix; null for one that can, and where no catalog is at hand. */
export function columnProblem(name: string, table: CatalogTable | null): string | null {
  if (table === null) return null
  const column = table.columns.find((candidate) => candidate.name === name)
  if (column?.generated === true) {
    return `column "${name}" of "${table.name}" is generated, and Postgres does not send generated columns; use the columns behind it`
  }
  if (column !== undefined) return null
  const known = table.columns.filter(({ generated }) => !generated).map((candidate) => candidate.name)
  return `"${table.name}" has no column "${name}"; ${suggestion(name, known)}`
}
