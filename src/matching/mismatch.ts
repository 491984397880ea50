import { isNumericText } from '../values/decimal.ts'
import { JsonNumber } from '../values/json.ts'
import type { JsonValue } from '../values/json.ts'
import { describeOperand } from './operand.ts'

/** `takes a number, not the text "1"; write 1 without quotes` */
export function mismatch(expects: string, operand: JsonValue): string {
  return `takes ${expects}, not ${describeOperand(operand)}${remedy(expects, operand)}`
}

function remedy(expects: string, operand: JsonValue): string {
  if (operand instanceof JsonNumber && expects.startsWith('text')) return `; write "${operand.source}" in quotes`
  if (typeof operand === 'string' && expects.startsWith('a number') && operand.length < 40 && isNumericText(operand))
    return `; write ${operand} without quotes`
  return ''
}
