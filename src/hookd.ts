import type { Options } from './config/option-table.ts'
import { HookdError } from './errors.ts'
import type { Log } from './telemetry/log.ts'
import { Daemon } from './daemon/daemon.ts'
import type { DaemonInfo } from './daemon/daemon.ts'
import type { RunSettings } from './daemon/prepare.ts'
import { prepare } from './daemon/prepare.ts'

/** What the caller of a run keeps in its hands. */
export interface RunControls {
  /** Abort means: stop reading, finish or store what is in flight, confirm, return. */
  readonly signal: AbortSignal
  /** Dispatches `reload` when hookd.yaml is to be read again. */
  readonly reloads: EventTarget
  readonly log: Log
  /** The slot is held and everything behind it is loaded. */
  onReady?(info: DaemonInfo): void
}

/**
 * Runs the daemon until the signal aborts. Rejects with a HookdError where the operator has to act.
 *
 * A second process with the same slot waits for it and takes over when the first one ends.
 */
export async function runHookd(options: Options, controls: RunControls): Promise<void> {
  const { databaseUrl } = options
  if (databaseUrl === null) {
    throw new HookdError(
      'HOOKD_NO_DATABASE',
      'no database: pass --database-url postgres://user:password@host:5432/database or set DATABASE_URL.',
    )
  }
  const settings: RunSettings = { ...options, databaseUrl }
  const { pool, writerPool, config } = await prepare(settings, controls.log)
  const print = (line: string): void => void process.stdout.write(`${line}\n`)
  const daemon = new Daemon({ pool, writerPool, config, settings, print, ...controls })
  try {
    await daemon.run(controls.signal)
  } finally {
    await Promise.all([pool.end(), writerPool.end()])
  }
}
