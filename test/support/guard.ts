import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A clean-up that happens even if the test process is killed. */
export interface Guard {
  /** Does the clean-up now and waits for its end. */
  run(): Promise<void>
  /** Gives the clean-up up: there is nothing left to clean. */
  cancel(): void
}

/**
 * Starts a shell that waits for this process to end, however it ends, and then runs `script` with `args` as $1, $2, …
 *
 * The shell reads from a pipe that only this process holds open, so that kill -9 and Ctrl-C are noticed too.
 */
export function guard(script: string, args: readonly string[]): Guard {
  const prologue = `trap '' INT TERM HUP; verdict=; read -r verdict; [ "$verdict" = cancel ] && exit 0`
  const shell = spawn('/bin/sh', ['-c', `${prologue}\n${script}`, 'guard', ...args], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(shell, 'exit')
  shell.unref()
  shell.stdin.on('error', () => {}) // the shell has ended already
  return {
    async run() {
      shell.ref()
      shell.stdin.end()
      await ended
    },
    cancel() {
      shell.stdin.end('cancel\n')
    },
  }
}
