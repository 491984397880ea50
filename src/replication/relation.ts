import type { CatalogTable } from '../postgres/catalog.ts'
import type { Relation, RelationColumn } from './change.ts'

/** Builds a relation; `key` names columns, those that the relation lacks are left out. */
export function buildRelation(
  schema: string,
  table: string,
  shape: { columns: readonly RelationColumn[]; key: readonly string[] },
): Relation {
  const index = new Map(shape.columns.map((column, i) => [column.name, i]))
  return {
    name: `${schema}.${table}`,
    schema,
    table,
    columns: shape.columns,
    index,
    key: keyIndexes(index, shape.key),
  }
}

/** The relation that the catalog describes: without generated columns, which the plugins treat differently. */
export function relationOf(table: CatalogTable): Relation {
  const columns = table.columns
    .filter((column) => !column.generated)
    .map(({ name, typeOid }): RelationColumn => ({ name, typeOid }))
  return buildRelation(table.schema, table.table, { columns, key: table.key })
}

/** In the order of the columns, because that is the only order in which pgoutput can tell a key. */
function keyIndexes(index: ReadonlyMap<string, number>, names: readonly string[]): number[] {
  const found = names.map((name) => index.get(name)).filter((i) => i !== undefined)
  return found.sort((a, b) => a - b)
}

/** `known` where it has the same shape as `fresh`, so that what others keep by its identity stays valid. */
export function keepRelation(known: Relation | undefined, fresh: Relation): Relation {
  return known && isSameShape(known, fresh) ? known : fresh
}

function isSameShape(a: Relation, b: Relation): boolean {
  return (
    a.schema === b.schema &&
    a.table === b.table &&
    a.columns.length === b.columns.length &&
    a.columns.every((column, i) => isSameColumn(column, b.columns[i])) &&
    a.key.length === b.key.length &&
    a.key.every((column, i) => column === b.key[i])
  )
}

function isSameColumn(a: RelationColumn, b: RelationColumn | undefined): boolean {
  return a.name === b?.name && a.typeOid === b.typeOid
}
