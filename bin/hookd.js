#!/usr/bin/env node
import { existsSync } from 'node:fs'
import module from 'node:module'

/**
 * What the daemon keeps is small and its garbage short-lived. A young generation that holds what is in flight lets it die
 * there; and V8 lets the old one grow far less between two collections where it may not become large. On a machine with
 * much memory it would take hundreds of megabytes otherwise. These can only be set when Node starts; one that the operator
 * has set stays.
 */
const HEAP_FLAGS = ['--max-semi-space-size=16', '--max-old-space-size=1024', '--initial-old-space-size=16']

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const [command = 'run'] = process.argv.slice(2)
const isDaemon =
  command === 'run' || (command.startsWith('-') && !['--help', '-h', '--version', '-V'].includes(command))

if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `hookd needs Node.js 22.19 or newer; this is ${process.versions.node}. Install the current LTS version.`,
  )
  process.exitCode = 1
} else if (isDaemon && process.execve !== undefined && missingFlags().length > 0) {
  process.execve(
    process.execPath,
    [process.execPath, ...process.execArgv, ...missingFlags(), ...process.argv.slice(1)],
    process.env,
  )
} else {
  module.enableCompileCache() // halves the time to start
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const built = new URL('../dist/cli/main.js', import.meta.url)
  await import((existsSync(source) ? source : built).href)
}

function missingFlags() {
  const flags = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(' ')]
  const given = new Set(flags.map((flag) => flag.split('=')[0]))
  return HEAP_FLAGS.filter((flag) => !given.has(flag.split('=')[0]))
}
