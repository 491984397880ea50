import { spawnSync } from 'node:child_process'
import { chownSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Guard, guard } from '../test/support/guard.ts'
import { serverUser } from '../test/support/os-user.ts'

const SIZE_MIB = 512
const BLOCK = Buffer.alloc(1024 * 1024)

/** A small file system of its own for the WAL of one cluster, which can be full without anybody else noticing. */
export class WalDisk {
  readonly #folder: string
  readonly #guard: Guard

  private constructor(folder: string) {
    this.#folder = folder
    this.#guard = guard('umount -l "$1"; rmdir "$1"', [folder])
  }

  /** Mounts a tmpfs; null where this user may not mount. */
  static mount(): WalDisk | null {
    const folder = mkdtempSync(join(tmpdir(), 'hookd-wal-'))
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'tmpfs', folder])
    if (status === 0) return new WalDisk(folder)
    rmSync(folder, { recursive: true })
    return null
  }

  /** Moves the WAL of a cluster that is stopped here. */
  take(dataDir: string): void {
    const [from, to] = [join(dataDir, 'pg_wal'), join(this.#folder, 'pg_wal')]
    const aside = `${from}.moved`
    const { uid = -1, gid = -1 } = serverUser()
    renameSync(from, aside)
    cpSync(aside, to, { recursive: true })
    rmSync(aside, { recursive: true })
    symlinkSync(to, from)
    if (uid >= 0) spawnSync('chown', ['-R', `${uid}:${gid}`, to])
    if (uid >= 0) chownSync(this.#folder, uid, gid)
  }

  /** Leaves no byte free. */
  fill(): void {
    const folder = join(this.#folder, 'ballast')
    mkdirSync(folder, { recursive: true })
    try {
      for (let at = 0; at <= SIZE_MIB; at++) writeFileSync(join(folder, String(at)), BLOCK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  free(): void {
    rmSync(join(this.#folder, 'ballast'), { recursive: true, force: true })
  }

  async unmount(): Promise<void> {
    await this.#guard.run()
  }
}
