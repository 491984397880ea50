import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { atEnd, atEndOfFile } from './at-end.ts'
import { guard } from './guard.ts'
import { waitFor } from './wait.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/hookd.js', import.meta.url))
const MISBEHAVE = new URL('misbehave.ts', import.meta.url).href

export interface HookdOptions {
  /** Such as `['run', '--config', file]`. */
  readonly args?: readonly string[]
  /** The whole environment besides PATH and HOME: no variable of this process leaks in. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What SIGUSR2 makes it do: one of the faults in misbehave.ts. */
  readonly fault?: 'throw' | 'reject' | 'block'
  /** A file descriptor that takes standard error; nothing of it is seen here then. */
  readonly stderr?: number
  /** Survives the test that starts it, until the end of the file. */
  readonly outlivesTest?: boolean
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Hookd {
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Waits until the output of both streams matches (30 s); fails at once when the process has ended without it. */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  readonly exit: Promise<Exit>
  /** Default SIGTERM. */
  kill(signal?: NodeJS.Signals): void
}

/** Starts bin/hookd.js under this Node; killed when the test (or, from `beforeAll`, the file) ends. */
export function startHookd(options: HookdOptions = {}): Hookd {
  const { args = [], env = {}, cwd, fault, stderr = 'pipe', outlivesTest = false } = options
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH, HOME, ...env, ...(fault && { NODE_OPTIONS: `--import=${MISBEHAVE}`, TEST_FAULT: fault }) },
    stdio: ['ignore', 'pipe', stderr],
    ...(cwd !== undefined && { cwd }),
  })
  const pid = child.pid
  if (pid === undefined) throw new Error(`could not start ${PROGRAM}`)
  const onDeath = guard('kill -CONT "$1"; kill -9 "$1"', [String(pid)])
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))

  let ended = false
  const exit = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      ended = true
      onDeath.cancel()
      resolve({ code, signal })
    })
  })

  const whenOver = outlivesTest ? atEndOfFile : atEnd
  whenOver(async () => {
    if (!ended) child.kill('SIGKILL')
    await exit
  })

  return {
    pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    async waitForOutput(pattern, timeoutMs = 30_000) {
      const all = () => output.stdout + output.stderr
      const look = () => pattern.exec(all())
      const found = await waitFor(() => look() ?? ended, { timeoutMs, what: String(pattern) }).catch(
        () => false as const,
      )
      const match = typeof found === 'boolean' ? look() : found
      if (match) return match
      throw new Error(`hookd ${ended ? 'ended' : 'ran on'} without printing ${String(pattern)}; it printed:\n${all()}`)
    },
    exit,
    kill(signal = 'SIGTERM') {
      child.kill(signal)
    },
  }
}
