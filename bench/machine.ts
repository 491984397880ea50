import { cpus, release, totalmem } from 'node:os'

/** What it was measured on, in one line. */
export function describeMachine(): string {
  const processors = cpus()
  const memory = Math.round(totalmem() / 1024 ** 3)
  const name = processors[0]?.model.trim() ?? 'unknown processor'
  return `${processors.length} x ${name}, ${memory} GiB, Linux ${release()}, Node.js ${process.version}`
}
