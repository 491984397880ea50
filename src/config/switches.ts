import { HookdError } from '../errors.ts'

/**
 * Whether an environment variable switches something on; one that is empty or not set does not.
 *
 * Throws a `HookdError` (`HOOKD_BAD_OPTION`) for a value that is neither on nor off.
 */
export function switchedOn(variable: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const text = env[variable] ?? ''
  if (/^(true|1|yes|on)$/i.test(text)) return true
  if (text === '' || /^(false|0|no|off)$/i.test(text)) return false
  throw new HookdError('HOOKD_BAD_OPTION', `${variable} must be true or false, not ${JSON.stringify(text)}`)
}
