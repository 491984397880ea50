import { spawnSync } from 'node:child_process'
import { HookdError } from '../../errors.ts'

/** Whom the server's processes run as; empty for a normal user, who runs them themselves. */
export interface OsUser {
  readonly uid?: number
  readonly gid?: number
}

/** Accounts that a machine is likely to have and that own nothing of value. */
const CANDIDATES = ['postgres', 'nobody']

/** Picks an account for the server where this process is root, because PostgreSQL refuses to run as root. */
export function pickOsUser(): OsUser {
  if (process.getuid?.() !== 0) return {}
  for (const name of CANDIDATES) {
    const [uid, gid] = ['-u', '-g'].map((which) => spawnSync('id', [which, name], { encoding: 'utf8' }))
    if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new HookdError(
    'HOOKD_DEMO_ROOT',
    'PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it. Run the demo as another user.',
  )
}
