import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from './at-end.ts'
import { guard } from './guard.ts'

/** A disk of its own that a test can fill without hurting anybody. */
export interface SmallDisk {
  readonly folder: string
  /** Takes all the space that is left. */
  fill(): void
  /** Gives it back. */
  heal(): void
}

/** Why this machine has no such disk, as a sentence; null where it has. */
export function diskProblem(): string | null {
  const probe = mkdtempSync(join(tmpdir(), 'hookd-mount-'))
  const mounted = mount(probe, 1)
  if (mounted === null) unmount(probe)
  rmdirSync(probe)
  return mounted
}

/** Mounts a tmpfs of so many MiB; unmounted when the test ends, or the process does. */
export function smallDisk(sizeMiB: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'hookd-disk-'))
  const problem = mount(folder, sizeMiB)
  if (problem !== null) throw new Error(problem)
  const cleanUp = guard('umount -l "$1"; rmdir "$1"', [folder])
  atEnd(() => cleanUp.run())
  const ballast = join(folder, 'ballast')
  return {
    folder,
    fill() {
      const chunk = Buffer.alloc(64 * 1024)
      try {
        for (;;) writeFileSync(ballast, chunk, { flag: 'a' })
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
    },
    heal: () => rmSync(ballast, { force: true }),
  }
}

function mount(folder: string, sizeMiB: number): string | null {
  const { status, stderr, error } = spawnSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${sizeMiB}m,mode=755`,
    'tmpfs',
    folder,
  ])
  return status === 0 ? null : `no tmpfs can be mounted here: ${error?.message ?? stderr.toString().trim()}`
}

function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder])
}
