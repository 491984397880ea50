import type { Pool } from 'pg'
import { loadConfig } from '../config/load.ts'
import type { HookdConfig } from '../config/load.ts'
import type { Catalog } from '../postgres/catalog.ts'
import { refuseErrors } from '../postgres/finding.ts'
import { judgeTables } from '../postgres/judge-tables.ts'
import { loadCatalog } from '../postgres/load-catalog.ts'
import type { OutputPlugin } from '../replication/start-replication.ts'
import type { Log } from '../telemetry/log.ts'
import type { LiveConfig } from './live-config.ts'
import type { RunSettings } from './prepare.ts'
import { publish, saveEvents } from './prepare.ts'
import { reportUndeclared, undeclaredSince } from './undeclared.ts'

export interface ReloadPorts {
  readonly pool: Pool
  readonly config: LiveConfig
  readonly settings: RunSettings
  readonly log: Log
  /** Null before the first plan. */
  plugin(): OutputPlugin | null
  catalogReplaced(catalog: Catalog): void
  /** The publication is being changed: what is seen of it meanwhile says nothing. */
  publishing(isPublishing: boolean): void
  /** Static subscribers that are declared no longer, by id. */
  redeclared(gone: readonly string[]): void
  /** wal2json was told its tables when the stream began. */
  restartReading(): void
}

/** Reads hookd.yaml again. What is wrong with it is logged, and the old one stays in force. */
export async function reload(ports: ReloadPorts): Promise<void> {
  const { pool, config, settings, log } = ports
  try {
    const catalog = await loadCatalog(pool)
    const fresh = await loadConfig(settings.config, { catalog })
    const before = config.tables
    const undeclared = undeclaredSince(config)
    await adopt(fresh, catalog, ports)
    await saveEvents(pool, fresh)
    const { events, subscribers } = undeclared()
    ports.redeclared(subscribers)
    const hasOtherTables = before.symmetricDifference(config.tables).size > 0
    if (hasOtherTables && ports.plugin() === 'wal2json') ports.restartReading()
    log.info({ events: fresh.events.length }, 'loaded the new configuration')
    await reportUndeclared(pool, events, log)
  } catch (error) {
    log.error({}, `kept the old configuration: ${(error as Error).message}`)
  }
}

/** The new rules hold before a new table is published: its first changes come at the same moment. */
async function adopt(fresh: HookdConfig, catalog: Catalog, ports: ReloadPorts): Promise<void> {
  const { pool, config, settings, log } = ports
  const plugin = ports.plugin()
  if (plugin !== null) refuseErrors(judgeTables(fresh.tables, catalog, plugin))
  const former = config.replace(fresh)
  ports.catalogReplaced(catalog)
  ports.publishing(true)
  try {
    if (plugin !== null) await publish(pool, config, { settings, plugin, log, isInUse: true })
  } catch (error) {
    config.replace(former)
    ports.catalogReplaced(catalog)
    throw error
  } finally {
    ports.publishing(false)
  }
}
