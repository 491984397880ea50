import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { guard } from '../test/support/guard.ts'
import type { Arena } from './arena.ts'
import type { BareOptions } from './bare-options.ts'

const HOOKD = fileURLToPath(new URL('../bin/hookd.js', import.meta.url))
const BARE = fileURLToPath(new URL('bare.ts', import.meta.url))
const FLOOD = fileURLToPath(new URL('flood.ts', import.meta.url))

/** A program under test as a process of its own. */
export interface Running {
  readonly pid: number
  /** When it was started, in milliseconds by `performance.now()`. */
  readonly startedAt: number
  /** Resolves when it says that it is ready, if it ever does. */
  readonly ready: Promise<void>
  /** Rejects, with its last words, when it ends by itself. */
  readonly failure: Promise<never>
  /** The end of what it has printed. */
  words(): string
  /** What it has logged as a warning or worse. */
  warnings(): string[]
  stop(): Promise<void>
}

/** Starts the product as operators do: `hookd run` with its default settings. */
export function launchHookd(arena: Arena, { slot, config }: { slot: string; config: string }): Running {
  const { database, plugin, publication } = arena
  const options = ['--config', config, '--plugin', plugin, '--slot', slot, '--publication', publication]
  return launch([HOOKD, 'run', ...options], { DATABASE_URL: database.url })
}

/** Starts the yardstick. */
export function launchBare(options: BareOptions): Running {
  return launch([BARE, JSON.stringify(options)], {})
}

/** Starts what does nothing but send. */
export function launchFlood(url: string): Running {
  return launch([FLOOD, url], {})
}

/** Characters of a program's output that are kept. */
const MOST_WORDS = 20_000
/** pino's number for warnings. */
const WARNING = 40

/** The messages of the complete lines of a log in JSON, from warnings up. */
export function warningsIn(log: string): string[] {
  return log.split('\n').flatMap((line) => {
    const [, level, message] = /^\{"level":(\d+),.*"msg":"((?:[^"\\]|\\.)*)"/.exec(line) ?? []
    return message !== undefined && Number(level) >= WARNING ? [message] : []
  })
}

function launch(args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const { PATH = '', HOME = '' } = process.env
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, { env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const pid = child.pid
  if (pid === undefined) throw new Error(`could not start ${args[0]}`)
  const onDeath = guard('kill -9 "$1"', [String(pid)])
  const ready = Promise.withResolvers<void>()
  let words = ''
  const hear = (text: string) => {
    words = (words + text).slice(-MOST_WORDS)
    if (/\bready\b/.test(text)) ready.resolve()
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  const exit = once(child, 'exit')
  let stopping = false
  const failure = exit.then((): Promise<never> => {
    onDeath.cancel()
    if (stopping) return new Promise(() => {})
    throw new Error(`${args[0]} ended by itself:\n${words}`)
  })
  failure.catch((error: unknown) => ready.reject(error))
  ready.promise.catch(() => {})
  return {
    pid,
    startedAt,
    ready: ready.promise,
    failure,
    words: () => words,
    warnings: () => warningsIn(words),
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      const cut = setTimeout(() => child.kill('SIGKILL'), 3000)
      await exit
      clearTimeout(cut)
    },
  }
}
