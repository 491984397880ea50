import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'

/** Whom the server's processes run as; empty for a normal user, who runs them as themselves. */
export interface OsUser {
  readonly uid?: number
  readonly gid?: number
}

/** Gives the user for the server, because Postgres refuses to run as root: `postgres`, which is created where missing. */
export function serverUser(): OsUser {
  if (process.getuid?.() !== 0) return {}
  return idsOf('postgres') ?? createPostgresUser()
}

function createPostgresUser(): OsUser {
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' })
  } catch (cause) {
    const created = idsOf('postgres') // another test process was faster
    if (created) return created
    throw new Error('Postgres does not run as root, and no user "postgres" could be created: create one', { cause })
  }
  return idsOf('postgres') ?? {}
}

function idsOf(name: string): OsUser | null {
  const [uid, gid] = ['-u', '-g'].map((which) => spawnSync('id', [which, name], { encoding: 'utf8' }))
  if (uid?.status !== 0 || gid?.status !== 0) return null
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** Makes a folder or a file the server user's own. */
export function giveTo(user: OsUser, path: string): void {
  if (user.uid !== undefined && user.gid !== undefined) chownSync(path, user.uid, user.gid)
}

/**
 * Gives programs that `user` may run: the given ones, or a copy in `folder`.
 *
 * A checkout below a private home folder (such as root's) is closed to the server's user.
 */
export function reachable(binaries: Binaries, user: OsUser, folder: string): Binaries {
  const probe = spawnSync(join(binaries.bin, 'postgres'), ['--version'], { ...user, cwd: folder, stdio: 'ignore' })
  if (probe.status === 0) return binaries
  const copy = join(folder, 'programs')
  cpSync(join(binaries.bin, '..'), copy, { recursive: true, verbatimSymlinks: true })
  return { bin: join(copy, 'bin') }
}
