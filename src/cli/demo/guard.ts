import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * $1 is the folder. `hookd.pid` and `data/postmaster.pid` name what runs in it; a stopped process must be woken or it
 * does not die.
 */
const CLEAN_UP = `
  trap '' INT TERM HUP
  read -r _
  for file in "$1/hookd.pid" "$1/data/postmaster.pid"; do
    pid=$(head -n 1 "$file" 2>/dev/null)
    [ -n "$pid" ] || continue
    kill -CONT "$pid"; kill -QUIT "$pid"
    tries=0
    while kill -0 "$pid" && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -9 "$pid"
  done 2>/dev/null
  rm -rf "$1"`

/** Ends what runs in `folder` and removes it. */
export interface Guard {
  /** Does so now. */
  run(): Promise<void>
}

/**
 * Starts a shell that waits for this process to end, however it ends, and then cleans up after it.
 *
 * The shell reads from a pipe that only this process holds open, so that kill -9 and Ctrl-C are noticed too.
 */
export function guard(folder: string): Guard {
  const shell = spawn('/bin/sh', ['-c', CLEAN_UP, 'hookd-demo-guard', folder], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(shell, 'exit')
  shell.unref()
  return {
    async run() {
      shell.ref()
      shell.stdin.end()
      await ended
    },
  }
}
