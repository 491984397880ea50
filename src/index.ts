import { OPTIONS } from './config/option-table.ts'
import type { Options } from './config/option-table.ts'
import { flagName, resolveOptions } from './config/options.ts'
import type { Flags } from './config/options.ts'
import { HookdError } from './errors.ts'
import type { RunControls } from './hookd.ts'
import type { Log } from './telemetry/log.ts'

export { HookdError } from './errors.ts'
export { verify, WebhookVerificationError } from './delivery/verify.ts'
export type {
  ReceivedHeaders,
  ReceivedWebhook,
  VerificationFailure,
  VerifiedWebhook,
  VerifyOptions,
} from './delivery/verify.ts'
export type { Log } from './telemetry/log.ts'

/**
 * What `startHookd` is told: the options of `hookd run` in camel case, written as on the command line
 * (`drainTimeout: '10s'`), with the same defaults. The environment is not read.
 */
export interface StartOptions {
  /** `postgres://user:password@host:5432/database`, or `host1:5432,host2:5432` for a primary and its standbys. */
  readonly databaseUrl: string
  /** The file that declares the events. Default `hookd.yaml` in the working directory. */
  readonly config?: string
  /** Default `auto`: wal2json where the server has it, else pgoutput. */
  readonly plugin?: 'auto' | 'wal2json' | 'pgoutput'
  /** Replication slot; of several processes with the same one, one is active and the others stand by. Default `hookd`. */
  readonly slot?: string
  /** Under pgoutput. Default: the name of the slot. */
  readonly publication?: string
  /** Lets standbys keep a copy of the slot; needs PostgreSQL 17. Default false. */
  readonly failoverSlot?: boolean
  /** `127.0.0.1:9464` serves /healthz, /readyz and /metrics; port 0 takes a free one. Default: nothing is served. */
  readonly listen?: string
  /** Ends when everything is sent that was committed before the start. Default false. */
  readonly once?: boolean
  /** Prints on standard output what would be sent; sends nothing and confirms nothing. Default false. */
  readonly dryRun?: boolean
  /** Goes on after a lost slot although changes are missing. Default false. */
  readonly acceptGap?: boolean
  /** How long requests in flight may take to finish after `stop()`. Default `10s`. */
  readonly drainTimeout?: string
  /** Threads that send; 0 sends from the thread that reads the slot. Default: two less than the cores, at most 4. */
  readonly senders?: number
  /** Default `2s`; `0s` keeps the server's own. */
  readonly walSenderTimeout?: string
  /** Default `500ms`. */
  readonly statusInterval?: string
  /** A larger body becomes a dead letter. Default: the file's, else `1MiB`. */
  readonly maxPayload?: string
  /** How long settled deliveries are kept. Default: the file's, else `7d`. */
  readonly retention?: string
  /** Default `info`; `silent` for none. Without effect beside `log`. */
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  /** Default `json`. Without effect beside `log`. */
  readonly logFormat?: 'json' | 'pretty'
  /** Takes the log lines; a pino logger fits. Default: they go to standard error. */
  readonly log?: Log
}

/** What is known once hookd holds the slot. */
export interface ReadyHookd {
  readonly slot: string
  readonly plugin: string
  /** Where /metrics is served; null without `listen`. */
  readonly telemetryUrl: string | null
}

/** A daemon inside this process. */
export interface RunningHookd {
  /**
   * Resolves when hookd holds the slot and reads it, which a standby waits for; null where it was stopped before.
   * Rejects with a `HookdError` where it cannot start.
   */
  readonly ready: Promise<ReadyHookd | null>
  /**
   * Resolves after `stop()`, or with `once` when there is nothing left to send; rejects where hookd had to give up, with a
   * `HookdError` if the operator can mend it.
   */
  readonly ended: Promise<void>
  /** Reads hookd.yaml again, as SIGHUP does for the program. A file with problems is logged and changes nothing. */
  reload(): void
  /** Finishes or stores what is in flight, confirms, and disconnects. Returns `ended`; calling it again changes nothing. */
  stop(): Promise<void>
}

/**
 * Starts hookd within this process, which keeps its signals and its environment to itself.
 *
 *     const hookd = startHookd({ databaseUrl: 'postgres://app@db/app', config: 'hookd.yaml' })
 *     await hookd.ready
 *     process.once('SIGTERM', () => void hookd.stop())
 *     await hookd.ended
 *
 * Throws a `HookdError` (`HOOKD_BAD_OPTION`) that names every bad option.
 */
export function startHookd({ log, ...given }: StartOptions): RunningHookd {
  const options = resolveOptions(asFlags(given), {})
  const stopping = new AbortController()
  const reloads = new EventTarget()
  const ready = Promise.withResolvers<ReadyHookd | null>()
  const ended = Promise.withResolvers<void>()
  let isReady = false
  let isAwaited = false

  const onReady = (info: ReadyHookd): void => {
    isReady = true
    ready.resolve(info)
  }
  run(options, log, { signal: stopping.signal, reloads, onReady }).then(
    () => {
      ready.resolve(null)
      ended.resolve()
    },
    (error: unknown) => {
      // A failure that nobody waits for ends the process, as it should; one that `ready` tells must not.
      const other = isAwaited && !isReady ? ended : ready
      other.promise.catch(() => {})
      ready.reject(error)
      ended.reject(error)
    },
  )
  return {
    get ready() {
      isAwaited = true
      return ready.promise
    },
    ended: ended.promise,
    reload: () => void reloads.dispatchEvent(new Event('reload')),
    stop() {
      stopping.abort()
      return ended.promise
    },
  }
}

/** A receiver that imports this file for `verify` alone does not load the daemon. */
async function run(options: Options, log: Log | undefined, controls: Omit<RunControls, 'log'>): Promise<void> {
  const [{ runHookd }, { createLog }] = await Promise.all([import('./hookd.ts'), import('./telemetry/log.ts')])
  await runHookd(options, {
    ...controls,
    log: log ?? createLog({ level: options.logLevel, format: options.logFormat }),
  })
}

/** Refuses what the command line would refuse too; numbers become text, so that one without its unit is not ignored. */
function asFlags(given: object): Flags {
  const known = Object.values(OPTIONS).map(flagName)
  const stray = Object.keys(given).find((name) => !known.includes(name))
  if (stray !== undefined) {
    throw new HookdError('HOOKD_BAD_OPTION', `startHookd() has no option "${stray}"; known: ${known.join(', ')}.`)
  }
  const flags: Record<string, unknown> = { ...given }
  for (const [name, value] of Object.entries(flags)) if (typeof value === 'number') flags[name] = String(value)
  return flags
}
