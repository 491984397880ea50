#!/usr/bin/env node
import { existsSync } from 'node:fs'
import module from 'node:module'

/**
 * The daemon's heap is small and its garbage short-lived: on a machine with much memory V8 would let it grow to
 * hundreds of megabytes before it collects. These can only be set when Node starts.
 */
const HEAP_FLAGS = ['--max-semi-space-size=16', '--initial-old-space-size=16']

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const [command = 'run'] = process.argv.slice(2)
const isDaemon =
  command === 'run' || (command.startsWith('-') && !['--help', '-h', '--version', '-V'].includes(command))

if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `hookd needs Node.js 22.19 or newer; this is ${process.versions.node}. Install the current LTS version.`,
  )
  process.exitCode = 1
} else if (isDaemon && process.execve !== undefined && !process.execArgv.includes(HEAP_FLAGS[0])) {
  process.execve(
    process.execPath,
    [process.execPath, ...process.execArgv, ...HEAP_FLAGS, ...process.argv.slice(1)],
    process.env,
  )
} else {
  module.enableCompileCache() // halves the time to start
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const built = new URL('../dist/cli/main.js', import.meta.url)
  await import((existsSync(source) ? source : built).href)
}
