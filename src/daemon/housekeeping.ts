import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import { removeExpired } from '../ledger/janitor.ts'
import { formatLsn } from '../replication/lsn.ts'
import type { LsnRange } from '../replication/start-position.ts'
import { describeLack, type PublicationLack, watchPublication } from '../replication/watch-publication.ts'
import type { Log } from '../telemetry/log.ts'
import type { LiveConfig } from './live-config.ts'
import { listenForOperators } from './operator-feed.ts'
import type { RunSettings } from './prepare.ts'
import { publishedTables } from './prepare.ts'

export interface HousekeepingPorts {
  readonly pool: Pool
  readonly config: LiveConfig
  readonly settings: RunSettings
  readonly log: Log
  isActive(): boolean
  /** The publication is being changed just now. */
  isPublishing(): boolean
  /** An operator replayed something: look at the ledger. */
  wake(): void
  /** What the publication lacks, as a sentence; null where it is whole. */
  publicationLacks(lack: string | null): void
}

const RETENTION_EVERY_MS = 60_000

/** What runs beside the reading while the process lives: operators' calls and the removal of what has expired. */
export function keepHouse(ports: HousekeepingPorts, signal: AbortSignal): void {
  void listenForOperators(ports.settings.databaseUrl, signal, () => ports.wake())
  void removeRegularly(ports, signal)
}

/** Watches the publication that pgoutput reads, until the signal. */
export async function watchOver(ports: HousekeepingPorts, signal: AbortSignal): Promise<void> {
  const { pool, config, settings, log } = ports
  const name = settings.publication
  const onLack = (lack: PublicationLack | null, window: LsnRange): void => {
    const text = lack === null ? null : describeLack(name, lack, window)
    ports.publicationLacks(text)
    if (text === null) log.info({ publication: name }, 'the publication is whole again')
    else log.error({ publication: name, lack }, `${text}; run "hookd check", and reload to put it right`)
  }
  const onRemade = ({ from, to }: LsnRange): void => {
    const window = { publication: name, from: formatLsn(from), to: formatLsn(to) }
    log.error(window, 'the publication was made anew: changes that committed between may be missing')
  }
  const tables = () => (ports.isPublishing() ? [] : publishedTables(config))
  try {
    await watchPublication(pool, { name, tables, onLack, onRemade }, signal)
  } catch (error) {
    if (!signal.aborted) log.error({ error: String(error) }, 'cannot watch the publication any more')
  }
}

async function removeRegularly(
  { pool, config, settings, log, isActive }: HousekeepingPorts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(RETENTION_EVERY_MS, undefined, { signal }).catch(() => undefined)
    if (signal.aborted || !isActive()) continue
    try {
      await removeExpired(pool, settings.retentionMs ?? config.delivery.retentionMs, signal)
    } catch (error) {
      log.warn({ error: String(error) }, 'could not remove what has expired; trying again later')
    }
  }
}
