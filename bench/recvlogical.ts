import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pgoutputOptions, wal2jsonOptions } from '../src/replication/start-replication.ts'
import { findBinaries, PG15_MISSING } from '../test/support/binaries.ts'
import type { Arena, Backlog } from './arena.ts'
import { type Measurement, NOT_MEASURED } from './measure.ts'
import { serverCpuSeconds } from './usage.ts'
import { TABLES } from './workload.ts'

/** Every slot lies behind it, so that reading up to it is starting and ending alone. */
const NOTHING = '0/1'

/**
 * Decoding alone: PostgreSQL's own client reads the whole backlog with hookd's options and throws it away. What starting
 * and ending takes is measured and subtracted.
 */
export async function measureRecvlogical(arena: Arena, { endLsn, count }: Backlog): Promise<Measurement> {
  const start = await readUpTo(arena, NOTHING)
  const whole = await readUpTo(arena, endLsn)
  return {
    ...NOT_MEASURED,
    perSecond: count / (whole.seconds - start.seconds),
    postgresCpuPer100k: ((whole.cpu - start.cpu) / count) * 100_000,
  }
}

async function readUpTo(arena: Arena, endLsn: string): Promise<{ seconds: number; cpu: number }> {
  const program = await findProgram()
  const slot = await arena.slotAtStart()
  const { database, server } = arena
  const args = ['-d', database.url, '--slot', slot, '--start', '--no-loop', '-f', '/dev/null', '--endpos', endLsn]
  const cpu = serverCpuSeconds(server.pid!)
  const startedAt = performance.now()
  await promisify(execFile)(program, [...args, ...pluginFlags(arena)])
  const seconds = (performance.now() - startedAt) / 1000
  const used = serverCpuSeconds(server.pid!) - cpu
  await arena.dropSlot(slot)
  return { seconds, cpu: used }
}

/** The embedded server comes without it, and the older one's reads from the newer server. */
async function findProgram(): Promise<string> {
  const binaries = await findBinaries('pg15')
  if (binaries === null) throw new Error(PG15_MISSING)
  return join(binaries.bin, 'pg_recvlogical')
}

function pluginFlags({ plugin, publication }: Arena): string[] {
  const options = plugin === 'pgoutput' ? pgoutputOptions(publication) : wal2jsonOptions(tableNames())
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

function tableNames() {
  return TABLES.split(',').map((name) => {
    const [schema = '', table = ''] = name.split('.')
    return { schema, table }
  })
}
