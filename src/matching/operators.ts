import { eq, is, isIn } from './equality.ts'
import { gt, gte, lt, lte } from './ordering.ts'
import { regex } from './regex.ts'
import type { Operator } from './subject.ts'
import { contains, endswith, startswith } from './substring.ts'
import { falsy, truthy } from './truth.ts'

/**
 * When an operator is true of a change.
 *
 * `holds`, `fails`: of the row as it is now (of a delete, as it was). `entered`: it holds now and did not before;
 * `left`: it held before and does not now.
 */
export type Tense = 'holds' | 'fails' | 'entered' | 'left'

export interface OperatorUse {
  readonly operator: Operator
  readonly tense: Tense
}

/** Every operator but `any: true`, which looks at nothing. */
export const OPERATORS: ReadonlyMap<string, OperatorUse> = new Map([
  ...uses('holds', { eq, gt, gte, lt, lte, in: isIn, is, contains, startswith, endswith, regex, truthy, falsy }),
  ...uses('fails', { ne: eq, not_in: isIn, is_not: is }),
  ...uses('entered', {
    now_eq: eq,
    now_in: isIn,
    now_contains: contains,
    now_startswith: startswith,
    now_endswith: endswith,
    now_is: is,
    now_gt: gt,
    now_gte: gte,
    now_lt: lt,
    now_lte: lte,
  }),
  ...uses('left', { now_ne: eq, now_not_in: isIn, now_is_not: is }),
])

function uses(tense: Tense, operators: Readonly<Record<string, Operator>>): [string, OperatorUse][] {
  return Object.entries(operators).map(([name, operator]) => [name, { operator, tense }])
}
