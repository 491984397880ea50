import { RE2JS, RE2JSException } from 're2js'
import { UnknownValueError } from './event.ts'
import { mismatch } from './mismatch.ts'
import type { Operator } from './subject.ts'
import { textTest } from './text-test.ts'

/** What the regular expressions of one condition cost together. */
export interface RegexBudget {
  /** Size of their programs so far, in instructions. */
  programSize: number
}

const MAX_PATTERN = 1_000
/** Of all patterns of a condition together, in instructions. */
const MAX_PROGRAM = 1_000
/** Characters times instructions: the bound of RE2's time, here about half a second. */
const MAX_STEPS = 50_000_000

/** Unanchored search in time linear in the length of the text: https://github.com/google/re2/wiki/Syntax */
export const regex: Operator = (operand, budget) => {
  if (typeof operand !== 'string') return mismatch('a regular expression as text', operand)
  if (operand.length > MAX_PATTERN) return `takes a pattern of at most ${MAX_PATTERN} characters, not ${operand.length}`
  const pattern = compile(operand)
  if (typeof pattern === 'string') return pattern
  budget.programSize += pattern.programSize()
  if (budget.programSize > MAX_PROGRAM)
    return `makes the condition too expensive (${budget.programSize} steps a character, ${MAX_PROGRAM} are allowed); repeat less in the pattern`
  return (subject) =>
    textTest(subject, (text) => {
      if (text.length * budget.programSize > MAX_STEPS)
        throw new UnknownValueError(subject.column, `is too long for "regex": ${text.length} characters`)
      return pattern.test(text)
    })
}

function compile(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSException) return `has a bad pattern: ${error.message}`
    throw error
  }
}
