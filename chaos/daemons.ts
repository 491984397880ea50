import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Plugin } from '../test/support/database.ts'
import { type Guard, guard } from '../test/support/guard.ts'
import { waitFor } from '../test/support/wait.ts'
import type { DaemonFact, History } from './history.ts'

const PROGRAM = fileURLToPath(new URL('../bin/hookd.js', import.meta.url))

const READY = '"msg":"ready"'

/** One hookd process. */
export interface Daemon {
  readonly pid: number
  /** It has held the slot at some time. */
  wasReady(): boolean
  readonly ended: Promise<void>
}

interface DaemonSettings {
  readonly databaseUrl: string
  readonly config: string
  readonly plugin: Plugin
  readonly folder: string
  readonly history: History
}

interface Running extends Daemon {
  readonly child: ChildProcess
  readonly guard: Guard
}

/** The hookd processes of a run. When the last one ends, another is started at once. */
export class Daemons {
  readonly #settings: DaemonSettings
  readonly #log: WriteStream
  readonly #running = new Set<Running>()
  #isClosing = false

  constructor(settings: DaemonSettings) {
    this.#settings = settings
    this.#log = createWriteStream(join(settings.folder, `hookd-${settings.plugin}.log`))
  }

  get all(): readonly Daemon[] {
    return [...this.#running]
  }

  /** Starts one more. */
  start(): Daemon {
    const { databaseUrl, config, plugin } = this.#settings
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(process.execPath, [PROGRAM, 'run', '--config', config, '--plugin', plugin], {
      env: { PATH, HOME, DATABASE_URL: databaseUrl },
      detached: true, // Ctrl-C is for this process, whose guard ends it
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const { pid } = child
    if (pid === undefined) throw new Error(`could not start ${PROGRAM}`)
    let isReady = false
    const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
      running.guard.cancel()
      this.#running.delete(running)
      this.#note(pid, 'exited', String(code ?? signal))
      if (this.#running.size === 0 && !this.#isClosing) this.start()
    })
    const running: Running = {
      pid,
      child,
      ended,
      wasReady: () => isReady,
      guard: guard('kill -CONT "$1"; kill -9 "$1"', [String(pid)]),
    }
    this.#running.add(running)
    this.#note(pid, 'started')
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#log.write(`${pid} ${line}\n`)
      if (!line.includes(READY)) return
      isReady = true
      this.#note(pid, 'ready')
    })
    return running
  }

  /** kill -9, and waits for its end. False where it had ended already. */
  kill(daemon: Daemon): Promise<boolean> {
    return this.#end(daemon, 'SIGKILL')
  }

  /** SIGTERM, and waits for its end; kills what is still there after a long time. */
  async terminate(daemon: Daemon): Promise<void> {
    const late = setTimeout(() => {
      this.#settings.history.remark(`hookd ${daemon.pid} did not end within 30 s of SIGTERM`)
      this.#find(daemon)?.child.kill('SIGKILL')
    }, 30_000)
    await this.#end(daemon, 'SIGTERM')
    clearTimeout(late)
  }

  freeze(daemon: Daemon): void {
    this.#find(daemon)?.child.kill('SIGSTOP')
    this.#note(daemon.pid, 'frozen')
  }

  thaw(daemon: Daemon): void {
    this.#find(daemon)?.child.kill('SIGCONT')
    this.#note(daemon.pid, 'thawed')
  }

  /** Tells all to read hookd.yaml again. */
  reload(): void {
    for (const { child, wasReady } of this.#running) if (wasReady()) child.kill('SIGHUP')
  }

  /** Waits until one of them has the slot. */
  async ready(): Promise<void> {
    await waitFor(() => [...this.#running].some((each) => each.wasReady()), { what: 'hookd', timeoutMs: 60_000 })
  }

  /** Ends all, the one that reads last. */
  async close(): Promise<void> {
    this.#isClosing = true
    const standbys = [...this.#running].toSorted((a, b) => Number(a.wasReady()) - Number(b.wasReady()))
    for (const each of standbys) await this.terminate(each)
    this.#log.end()
  }

  #find({ pid }: Daemon): Running | undefined {
    return [...this.#running].find((each) => each.pid === pid)
  }

  async #end(daemon: Daemon, signal: 'SIGKILL' | 'SIGTERM'): Promise<boolean> {
    const running = this.#find(daemon)
    if (running === undefined) return false
    this.#note(daemon.pid, signal === 'SIGKILL' ? 'killed' : 'terminated')
    running.child.kill(signal)
    await running.ended
    return true
  }

  #note(pid: number, event: DaemonFact['event'], detail?: string): void {
    this.#settings.history.add({ kind: 'daemon', at: Date.now(), pid, event, ...(detail !== undefined && { detail }) })
  }
}
