import type { Launch, Place } from './measure.ts'
import { launchBare, launchHookd } from './programs.ts'
import { TABLES } from './workload.ts'

/** A program with a setting, ready to be started on a slot any number of times. */
export interface Contender {
  readonly name: string
  /** Brings the database in line with the setting, before the slot is made. */
  prepare(): Promise<void>
  readonly launch: Launch
  /** Events that the sink counts of each change. */
  readonly perChange: number
  readonly endpoints: { readonly uncounted: readonly number[]; readonly hanging: readonly number[] }
}

/** As many requests at a time as a subscriber of hookd has by default. */
const CONCURRENCY = 8

/** The yardstick, sending every change to so many endpoints. */
export function bare({ arena, sink }: Place, endpoints = 1): Contender {
  const { plugin, publication, database } = arena
  const targets = sink.urls.slice(0, endpoints).map((url, index) => ({
    url,
    id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    secret: `whsec_${String(index).padStart(44, '0')}`,
  }))
  const options = { databaseUrl: database.url, plugin, publication, tables: TABLES, connections: CONCURRENCY, targets }
  return {
    name: 'bare',
    prepare: () => Promise.resolve(),
    launch: (slot) => launchBare({ ...options, slot }),
    perChange: endpoints,
    endpoints: { uncounted: [], hanging: [] },
  }
}

/** What is not hookd's default in a case. */
export interface HookdSetting {
  /** Endpoints that receive everything. Default 1. */
  readonly endpoints?: number
  /** Columns of each of their subscribers. */
  readonly columns?: Readonly<Record<string, string>>
  /** More of hookd.yaml. */
  readonly yaml?: string
  /** SQL that adds subscribers who receive nothing. */
  readonly others?: string
  /** Indexes of endpoints whose messages do not count. */
  readonly uncounted?: readonly number[]
  readonly hanging?: readonly number[]
}

/** hookd itself. */
export function hookd({ arena, sink }: Place, setting: HookdSetting = {}): Contender {
  const { yaml = '', uncounted = [], hanging = [], endpoints = 1, columns = {}, others } = setting
  const config = arena.writeConfig(yaml)
  const names = ['event', 'url', ...Object.keys(columns)].join(', ')
  const values = Object.values(columns).map((value) => `, '${value}'`)
  const rows = sink.urls.slice(0, endpoints).map((url) => `('*.*', '${url}'${values.join('')})`)
  return {
    name: 'hookd',
    async prepare() {
      await arena.database.query('delete from hookd.subscribers')
      await arena.database.query(`insert into hookd.subscribers (${names}) values ${rows.join(', ')}`)
      if (others !== undefined) await arena.database.query(others)
    },
    launch: (slot) => launchHookd(arena, { slot, config }),
    perChange: endpoints - uncounted.length,
    endpoints: { uncounted, hanging },
  }
}
