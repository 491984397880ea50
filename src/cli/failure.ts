import { CommanderError } from 'commander'
import { HookdError } from '../errors.ts'

const USAGE = 2

/**
 * Prints what ended a command on standard error and gives its exit code: 2 for wrong usage, 1 for the rest, 0 where help
 * or the version was asked for. Only a bug shows its stack.
 */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) {
    const asked = error.exitCode === 0
    return asked ? 0 : USAGE // commander has printed the sentence
  }
  if (error instanceof HookdError) {
    console.error(`error: ${error.message}`)
    return 1
  }
  console.error(error instanceof Error ? (error.stack ?? String(error)) : error)
  console.error('This is a bug in hookd. Please report it with the lines above.')
  return 1
}
