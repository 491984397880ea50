import { compileChanged } from '../matching/changed.ts'
import { compileCondition } from '../matching/condition.ts'
import type { Predicate } from '../matching/event.ts'
import type { ConditionProblem, ConditionScope } from '../matching/scope.ts'
import type { Field } from './fields.ts'
import { jsonValue } from './json-value.ts'
import { locate } from './yaml-node.ts'

/** The compiled `when` and `changed` of an event, and the columns they read; the predicate is null where both are absent. */
export interface EventCondition {
  readonly predicate: Predicate | null
  readonly columns: ReadonlySet<string>
}

export const NO_CONDITION: EventCondition = { predicate: null, columns: new Set() }

/** Compiles `when` and `changed`, and reports what is wrong with them where it stands. */
export function eventCondition(fields: ReadonlyMap<string, Field>, scope: ConditionScope): EventCondition {
  const [when, changed] = [fields.get('when'), fields.get('changed')]
  const compiledWhen = when && compileCondition(jsonValue(when.node), scope)
  const compiledChanged = changed && compileChanged(jsonValue(changed.node), scope)
  if (compiledWhen) report(when, compiledWhen.problems)
  if (compiledChanged) report(changed, compiledChanged.problems)
  return {
    predicate: both(compiledChanged?.predicate ?? null, compiledWhen?.predicate ?? null),
    columns: new Set([...(compiledWhen?.columns ?? []), ...(compiledChanged?.columns ?? [])]),
  }
}

function report(field: Field, problems: readonly ConditionProblem[]): void {
  for (const { path, message } of problems) {
    field.problems.report(locate(field.node, path), `"${field.key}" in ${field.where}: ${message}`)
  }
}

function both(first: Predicate | null, second: Predicate | null): Predicate | null {
  return first && second ? (pair) => first(pair) && second(pair) : (first ?? second)
}
