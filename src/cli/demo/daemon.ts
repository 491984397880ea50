import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../../config/child-environment.ts'
import { HookdError } from '../../errors.ts'

const PROGRAM = fileURLToPath(new URL('../../../bin/hookd.js', import.meta.url))

/** A hookd in a process of its own, as users run it. */
export interface RunningHookd {
  /** What it has logged lately. */
  log(): string
  /** Resolves when it has ended by itself. */
  readonly ended: Promise<void>
  /** Ends it as a service manager would. */
  stop(): Promise<void>
}

/** Starts `hookd run` on `hookd.yaml` in `folder` and waits until it reads the slot. */
export async function startHookd(folder: string, databaseUrl: string): Promise<RunningHookd> {
  const child = spawn(
    process.execPath,
    [PROGRAM, 'run', '--config', join(folder, 'hookd.yaml'), '--log-format', 'pretty'],
    {
      env: childEnvironment({ DATABASE_URL: databaseUrl }),
      detached: true, // Ctrl-C is for the demo, which then ends it
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  if (child.pid !== undefined) writeFileSync(join(folder, 'hookd.pid'), `${child.pid}\n`)
  let log = ''
  const file = createWriteStream(join(folder, 'hookd.log'))
  const ready = Promise.withResolvers<void>()
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    file.write(text)
    log = (log + text).slice(-20_000)
    if (/ info +ready\b/.test(log)) ready.resolve()
  })
  const ended = once(child, 'close').then(() => {
    ready.reject(new HookdError('HOOKD_DEMO_DAEMON', `hookd ended before it was ready:\n${log.trim()}`))
    file.end()
  })
  await ready.promise
  return {
    log: () => log.trim().split('\n').slice(-12).join('\n'),
    ended,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
