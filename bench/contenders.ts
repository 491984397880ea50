import type { Arena } from './arena.ts'
import { recvlogicalProgram, timeProgram } from './arena.ts'
import { measure, type Measurement } from './measure.ts'
import { launchBare, launchHookd } from './programs.ts'
import type { Sink } from './start-sink.ts'
import { serverCpuSeconds } from './usage.ts'
import { TABLES } from './workload.ts'
import { pgoutputOptions, wal2jsonOptions } from '../src/replication/start-replication.ts'

/** Something that reads the backlog up to so many events, and is measured. */
export interface Contender {
  readonly name: string
  run(size: RunSize): Promise<Measurement>
}

export interface RunSize {
  /** Events that it delivers. */
  readonly total: number
  readonly warmShare: number
}

/** What a contender works with. */
export interface Place {
  readonly arena: Arena
  readonly sink: Sink
}

/** As many as a subscriber of hookd has by default. */
const CONCURRENCY = 8

/** The yardstick, sending every change to so many endpoints. */
export function bare({ arena, sink }: Place, endpoints = 1): Contender {
  const { plugin, publication, database } = arena
  const targets = sink.urls.slice(0, endpoints).map((url, index) => ({
    url,
    id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    secret: `whsec_${'0'.repeat(40)}${index}`,
  }))
  const options = { databaseUrl: database.url, plugin, publication, tables: TABLES, connections: CONCURRENCY, targets }
  return {
    name: endpoints === 1 ? 'bare' : `bare to ${endpoints}`,
    run: (size) => measure(arena, sink, { ...size, launch: (slot) => launchBare({ ...options, slot }) }),
  }
}

export interface HookdSetting {
  readonly name: string
  /** Endpoints that receive everything. Default 1. */
  readonly endpoints?: number
  /** Columns of each of their subscribers. */
  readonly columns?: Readonly<Record<string, string>>
  /** More of hookd.yaml. */
  readonly yaml?: string
  /** SQL that adds subscribers who receive nothing. */
  readonly more?: string
  /** Ports whose messages do not count. */
  readonly uncounted?: readonly number[]
  readonly hanging?: readonly number[]
}

/** hookd, with its default settings but for those that are given. */
export function hookd({ arena, sink }: Place, setting: HookdSetting): Contender {
  const { name, yaml = '', uncounted = [], hanging = [] } = setting
  const config = arena.writeConfig(yaml)
  return {
    name,
    async run(size) {
      await subscribe({ arena, sink }, setting)
      const launch = (slot: string) => launchHookd(arena, { slot, config })
      return measure(arena, sink, { ...size, uncounted, hanging, launch })
    },
  }
}

async function subscribe({ arena, sink }: Place, setting: HookdSetting): Promise<void> {
  const { endpoints = 1, columns = {}, more } = setting
  const names = ['event', 'url', ...Object.keys(columns)].join(', ')
  const values = Object.values(columns).map((value) => `, '${value}'`)
  const rows = sink.urls.slice(0, endpoints).map((url) => `('*.*', '${url}'${values.join('')})`)
  await arena.database.query('delete from hookd.subscribers')
  await arena.database.query(`insert into hookd.subscribers (${names}) values ${rows.join(', ')}`)
  if (more !== undefined) await arena.database.query(more)
}

/** Decoding alone: PostgreSQL's own client, reading with hookd's options up to `endLsn` and throwing all away. */
export function recvlogical({ arena }: Place, endLsn: string): Contender {
  const { plugin, publication, database, server } = arena
  const tables = TABLES.split(',').map((name) => name.split('.') as [string, string])
  const options =
    plugin === 'pgoutput'
      ? pgoutputOptions(publication)
      : wal2jsonOptions(tables.map(([schema, table]) => ({ schema, table })))
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const read = async (upto: string) => {
    const slot = await arena.newSlot()
    const where = ['-d', database.url, '--slot', slot, '--start', '--no-loop', '-f', '/dev/null', '--endpos', upto]
    const before = serverCpuSeconds(server.pid!)
    const ms = await timeProgram(await recvlogicalProgram(), [...where, ...flags])
    const cpu = serverCpuSeconds(server.pid!) - before
    await arena.dropSlot(slot)
    return { ms, cpu }
  }
  return {
    name: 'recvlogical',
    async run({ total }) {
      const startUp = await read('0/1')
      const whole = await read(endLsn)
      return {
        perSecond: total / ((whole.ms - startUp.ms) / 1000),
        cpuPer100k: null,
        postgresCpuPer100k: ((whole.cpu - startUp.cpu) / total) * 100_000,
        sinkShare: null,
        rssMiB: null,
        latenciesMs: [],
      }
    },
  }
}
