#!/usr/bin/env node
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `hookd needs Node.js 22.19 or newer; this is ${process.versions.node}. Install the current LTS version.`,
  )
  process.exitCode = 1
} else {
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const built = new URL('../dist/cli/main.js', import.meta.url)
  await import((existsSync(source) ? source : built).href)
}
