import type { Predicate } from './event.ts'

/**
 * All of the predicates, from the first to the last: one that is false keeps those after it from being asked, and so
 * from failing on an unknown value. Null stands for a predicate that is always true.
 */
export function allOf(predicates: readonly (Predicate | null)[]): Predicate | null {
  const asked = predicates.filter((predicate) => predicate !== null)
  const [first, second] = asked
  if (first === undefined) return null
  if (second === undefined) return first
  if (asked.length === 2) return (pair) => first(pair) && second(pair)
  return (pair) => asked.every((predicate) => predicate(pair))
}

/** Any of the predicates, from the first to the last: one that is true keeps those after it from being asked. */
export function anyOf(predicates: readonly (Predicate | null)[]): Predicate | null {
  const asked = predicates.filter((predicate) => predicate !== null)
  if (asked.length < predicates.length) return null
  return (pair) => asked.some((predicate) => predicate(pair))
}

export function negated(predicate: Predicate | null): Predicate {
  return predicate === null ? () => false : (pair) => !predicate(pair)
}
