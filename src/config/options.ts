import { HookdError } from '../errors.ts'
import { OPTIONS } from './option-table.ts'
import type { Options, OptionSpec } from './option-table.ts'

/** Flags by the name that commander gives them: `--dry-run` is `dryRun`. */
export type Flags = Readonly<Record<string, unknown>>

/**
 * The options from flags, the environment and the defaults, in this order. An empty variable counts as not set.
 *
 * Throws a `HookdError` (`HOOKD_BAD_OPTION`) that names every bad value, unless it may hold a password.
 */
export function resolveOptions(flags: Flags, env: NodeJS.ProcessEnv = process.env): Options {
  const complaints: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(OPTIONS)) {
    const given = find(spec, flags, env)
    const text = given?.text ?? spec.default
    values[name] = text === null ? null : spec.parse(text)
    if (given === null || values[name] !== null) continue
    const shown = name === 'databaseUrl' ? '' : `, not ${JSON.stringify(given.text)}`
    complaints.push(`${given.source} must be ${spec.expected}${shown}`)
  }
  const options = values as unknown as Options
  const third = options.walSenderTimeoutMs > 0 ? Math.floor(options.walSenderTimeoutMs / 3) : Infinity
  const interval = find(OPTIONS.statusIntervalMs, flags, env)
  if (interval !== null && options.statusIntervalMs > third) {
    complaints.push(`${interval.source} must be at most a third of --wal-sender-timeout: ${third}ms`)
  }
  if (complaints.length > 0) {
    throw new HookdError('HOOKD_BAD_OPTION', `${complaints.join('\n')}\nRun "hookd run --help" to see every option.`)
  }
  return {
    ...options,
    publication: options.publication ?? options.slot,
    statusIntervalMs: Math.min(options.statusIntervalMs, third),
  }
}

/** The database URL; throws a `HookdError` (`HOOKD_NO_DATABASE_URL`) where none was given. */
export function requireDatabaseUrl(options: Pick<Options, 'databaseUrl'>): string {
  if (options.databaseUrl !== null) return options.databaseUrl
  throw new HookdError(
    'HOOKD_NO_DATABASE_URL',
    'no database: set DATABASE_URL=postgres://user:password@host:5432/name, or pass --database-url.',
  )
}

/** What somebody set an option to, and where; null where nobody did. */
function find(spec: OptionSpec, flags: Flags, env: NodeJS.ProcessEnv): { text: string; source: string } | null {
  const flag = flags[flagName(spec)]
  if (typeof flag === 'string' || typeof flag === 'boolean') return { text: String(flag), source: spec.flag }
  for (const source of spec.env) {
    const text = env[source]
    if (text !== undefined && text !== '') return { text, source }
  }
  return null
}

/** `--dry-run` -> `dryRun` */
export function flagName(spec: OptionSpec): string {
  return spec.flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
