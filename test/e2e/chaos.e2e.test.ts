import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { pluginOf, SERVER_KINDS } from '../support/postgres.ts'

const PROGRAM = fileURLToPath(new URL('../../chaos/main.ts', import.meta.url))
const VERDICT =
  /\nlost 0, phantom 0, misordered 0, corrupt 0, unsigned 0, misdirected 0, duplicates \d+, kills ([2-9]|\d{2,}), faults ([3-9]|\d{2,})\n$/

test.each(SERVER_KINDS)(
  'a few faults, kills among them, lose, invent, swap and spoil nothing: %s',
  { timeout: 300_000 },
  async (kind) => {
    const folder = await mkdtemp(join(tmpdir(), 'hookd-chaos-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const stops = ['--minutes', '1', '--faults', '3', '--kills', '2']
    // Two kills and a crash of the server, one after the other.
    const args = [PROGRAM, ...stops, '--seed', '809', '--plugin', pluginOf(kind), '--folder', folder]
    const ran = promisify(execFile)(process.execPath, args)
    const { stdout } = await ran.catch((error: unknown) => error as { stdout: string })
    expect(stdout).toMatch(VERDICT)
  },
)
