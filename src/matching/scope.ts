import type { CatalogColumn, CatalogTable } from '../postgres/catalog.ts'
import type { Operation } from '../replication/change.ts'
import type { TypeLookup } from '../values/types.ts'
import type { Predicate } from './event.ts'
import { formatField } from './field.ts'
import type { Field } from './field.ts'
import type { Kind } from './kind.ts'
import { kindOf } from './kind.ts'
import { suggest } from './pattern.ts'

/** Where a condition is used. */
export interface ConditionScope {
  /** Null where the catalog is not known, and for emitted events: columns are then looked for in each row. */
  readonly table: CatalogTable | null
  readonly types: TypeLookup
  /** What the event listens to. */
  readonly operations: ReadonlySet<Operation>
  /** False where there is never an old row, as for emitted events: transitions are then a problem. */
  readonly allowOld: boolean
  /** Where it is not as `table` says: of a partitioned table, what all of its partitions give. */
  readonly oldRows?: OldRows
}

/** What Postgres writes to the WAL about the old row. */
export interface OldRows {
  /** Null: every column. */
  readonly columns: ReadonlySet<string> | null
  /** The statement that makes every column known. */
  readonly fix: string
}

/** Something to fix in a condition. `path` leads to the key or value in it. */
export interface ConditionProblem {
  readonly path: ConditionPath
  /** What is wrong and what to write instead. */
  readonly message: string
}

export type ConditionPath = readonly (string | number)[]

export interface CompiledCondition {
  /** Null matches every row. With problems it matches none. */
  readonly predicate: Predicate | null
  readonly problems: readonly ConditionProblem[]
  /** The columns that the condition looks at. */
  readonly columns: ReadonlySet<string>
}

/** Collects what compiling a condition finds out, and answers questions about its table. */
export class Compilation {
  readonly scope: ConditionScope
  readonly problems: ConditionProblem[] = []
  readonly columns = new Set<string>()
  readonly #oldRows: OldRows

  constructor(scope: ConditionScope) {
    this.scope = scope
    this.#oldRows = scope.oldRows ?? oldRowsOf(scope.table)
  }

  report(path: ConditionPath, message: string): void {
    this.problems.push({ path, message })
  }

  finish(predicate: Predicate | null): CompiledCondition {
    const sound = this.problems.length === 0
    return { predicate: sound ? predicate : () => false, problems: this.problems, columns: this.columns }
  }

  hears(operation: Operation): boolean {
    return this.scope.operations.has(operation)
  }

  hasColumn(name: string): boolean {
    return this.scope.table?.columns.some((column) => column.name === name) ?? false
  }

  /** Notes that a field is looked at. Its kind where it is known and of use; otherwise null, after reporting why. */
  use(field: Field, path: ConditionPath): { readonly kind: Kind; readonly typeName: string } | null {
    this.columns.add(field.column)
    const { table, types } = this.scope
    if (table === null) return null
    const column = table.columns.find(({ name }) => name === field.column)
    if (column === undefined) return this.#unknownColumn(table, field, path)
    if (column.generated) {
      this.report(path, `column "${column.name}" is generated, and Postgres does not send generated columns`)
      return null
    }
    const kind = kindOf(column.typeOid, types)
    if (field.path.length > 0 && kind.name !== 'json') return this.#noPath(column, field, path)
    return { kind, typeName: column.typeName }
  }

  /** Reports an event that has no rows at all. */
  needRow(): void {
    if (this.hears('truncate') && this.scope.operations.size === 1)
      this.report([], 'a truncate has no rows, so no condition can be about them; leave it out')
  }

  /** Reports a comparison of the old row with the new one that can never be made. */
  needTransition(what: string, instead: string, path: ConditionPath): void {
    const rows = ['insert', 'update', 'delete'] as const
    if (!this.scope.allowOld) this.report(path, `${what} compares with the old row, and here is none; ${instead}`)
    else if (rows.every((operation) => this.hears(operation) === (operation === 'delete')))
      this.report(path, `${what} is about a row before and after, and a deleted row has no after; ${instead}`)
  }

  /** Reports a column whose old value the replica identity does not give. */
  needOld(column: string, path: ConditionPath, why: string): void {
    if (!this.hasColumn(column)) return
    const { columns, fix } = this.#oldRows
    if (columns === null || columns.has(column)) return
    this.report(
      path,
      `${why} needs the old value of "${column}", which Postgres does not send for this table; run: ${fix}`,
    )
  }

  #unknownColumn(table: CatalogTable, { column }: Field, path: ConditionPath): null {
    const known = table.columns.map(({ name }) => formatField({ column: name, path: [] }))
    this.report(path, `unknown column "${column}" of ${table.name}; ${suggest(column, known)}`)
    return null
  }

  #noPath({ name, typeName }: CatalogColumn, field: Field, path: ConditionPath): null {
    const joined = [field.column, ...field.path].join('.')
    const fix = this.hasColumn(joined)
      ? `write '"${joined}"' for the column of that name`
      : 'only json and jsonb have keys'
    this.report(path, `column "${name}" is ${typeName}, which has nothing at "${field.path.join('.')}"; ${fix}`)
    return null
  }
}

function oldRowsOf(table: CatalogTable | null): OldRows {
  if (table === null || table.identity === 'full') return { columns: null, fix: '' }
  const columns = new Set(table.identity === 'nothing' ? [] : table.key)
  return { columns, fix: `ALTER TABLE ${identifier(table.schema)}.${identifier(table.table)} REPLICA IDENTITY FULL;` }
}

function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
