import { readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const IN_MEMORY = '/dev/shm'

/** What the servers of a whole run take at most, with as much again to spare. */
const ROOM_BYTES = 4 * 1024 ** 3

/**
 * Gives the folder below which a server for tests is to keep its files: one in memory where there is room, since with a
 * disk below them most tests do little but wait for it. They crash processes, never the machine, so they see no difference.
 */
export function serverFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    const isRoomy = bavail * bsize >= ROOM_BYTES && process.availableMemory() >= 2 * ROOM_BYTES
    return isRoomy && mayHoldPrograms() ? IN_MEMORY : tmpdir()
  } catch {
    return tmpdir() // not on Linux
  }
}

/** A server that its user cannot reach is copied to the folder, and runs from there. */
function mayHoldPrograms(): boolean {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  const options = mounts.findLast((line) => line.split(' ')[1] === IN_MEMORY)?.split(' ')[3] ?? 'noexec'
  return !options.split(',').includes('noexec')
}
