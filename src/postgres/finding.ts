import { HookdError } from '../errors.ts'

/** One thing that was looked at: `warning` is worth knowing, `error` keeps hookd from running. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error'
  /** Stable, to match on. */
  readonly code: `HOOKD_${string}`
  /** A sentence. */
  readonly message: string
  /** The statement or the command that mends it; null where there is nothing to mend. */
  readonly fix: string | null
}

export function ok(code: Finding['code'], message: string): Finding {
  return { level: 'ok', code, message, fix: null }
}

export function warning(code: Finding['code'], message: string, fix: string | null = null): Finding {
  return { level: 'warning', code, message, fix }
}

export function failing(code: Finding['code'], message: string, fix: string | null): Finding {
  return { level: 'error', code, message, fix }
}

/** Throws one HookdError that holds every error among the findings, under the code of the first; else does nothing. */
export function refuseErrors(findings: readonly Finding[]): void {
  const errors = findings.filter(({ level }) => level === 'error')
  const [first] = errors
  if (!first) return
  const lines = errors.map(({ message, fix }) => (fix === null ? message : `${message}\n  ${fix}`))
  throw new HookdError(first.code, lines.join('\n'))
}
