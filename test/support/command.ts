import { type HookdOptions, startHookd } from './hookd.ts'

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command of bin/hookd.js to its end. */
export async function runCommand(args: readonly string[], options: Omit<HookdOptions, 'args'> = {}): Promise<Ran> {
  const hookd = startHookd({ ...options, args })
  const { code } = await hookd.exit
  return { code, stdout: hookd.stdout(), stderr: hookd.stderr() }
}
