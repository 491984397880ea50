import { compileChanged, compileCondition } from '../matching/condition.ts'
import type { Predicate } from '../matching/event.ts'
import type { Operation } from '../replication/change.ts'
import type { CatalogTable } from '../postgres/catalog.ts'
import type { TypeLookup } from '../values/types.ts'
import { words } from './fields.ts'
import type { Field } from './fields.ts'
import { plainValue } from './plain-value.ts'
import { locate } from './yaml-node.ts'

export interface ConditionScope {
  readonly table: CatalogTable | null
  readonly types: TypeLookup
  readonly operations: ReadonlySet<Operation>
  readonly allowOld: boolean
}

/** The compiled `when` and `changed` of an event, and the columns they read; the predicate is null where both are absent. */
export interface EventCondition {
  readonly predicate: Predicate | null
  readonly columns: ReadonlySet<string>
}

/** Compiles `when` and `changed`, and reports what is wrong with them where it stands. */
export function eventCondition(fields: ReadonlyMap<string, Field>, scope: ConditionScope): EventCondition {
  const [whenField, changedField] = [fields.get('when'), fields.get('changed')]
  const when = whenField && compileCondition(plainValue(whenField.node), scope)
  if (when) report(whenField, when.problems)
  const names = changedField && words(changedField, 'a list of columns')
  const changed = names && compileChanged(names.map(({ text }) => text), scope)
  if (changed) report(changedField, changed.problems)
  return {
    predicate: both(changed?.predicate ?? null, when?.predicate ?? null),
    columns: (when?.columns ?? new Set<string>()).union(changed?.columns ?? new Set()),
  }
}

function report(field: Field, problems: readonly { path: readonly (string | number)[]; message: string }[]): void {
  for (const { path, message } of problems) {
    field.problems.report(locate(field.node, path), `"${field.key}" in ${field.where}: ${message}`)
  }
}

function both(first: Predicate | null, second: Predicate | null): Predicate | null {
  return first && second ? (pair) => first(pair) && second(pair) : (first ?? second)
}
