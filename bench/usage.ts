import { readdirSync, readFileSync } from 'node:fs'

/** The kernel reports processor time in these, on every Linux that there is (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100

/** Processor seconds that a process with all its threads has used so far. */
export function cpuSeconds(pid: number): number {
  const { own } = ticksOf(pid)
  return own / TICKS_PER_SECOND
}

/** Processor seconds of a Postgres server so far: the postmaster, its processes, and those that have ended. */
export function serverCpuSeconds(postmaster: number): number {
  for (;;) {
    const { own, reaped } = ticksOf(postmaster)
    const living = childrenOf(postmaster).reduce((sum, pid) => sum + ticksOrNone(pid), 0)
    // A process that ended in between is in neither figure.
    if (ticksOf(postmaster).reaped === reaped) return (own + reaped + living) / TICKS_PER_SECOND
  }
}

/** The most memory that a process has had resident, MiB. */
export function peakMiB(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => parentOrNone(pid) === parent)
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name may hold spaces, so count from behind it. */
function fieldsOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function ticksOf(pid: number): { own: number; reaped: number } {
  const fields = fieldsOf(pid).map(Number)
  return { own: fields[11]! + fields[12]!, reaped: fields[13]! + fields[14]! }
}

/** A process may end between two looks. */
function ticksOrNone(pid: number): number {
  try {
    return ticksOf(pid).own
  } catch {
    return 0
  }
}

function parentOrNone(pid: number): number | null {
  try {
    return Number(fieldsOf(pid)[1])
  } catch {
    return null
  }
}
