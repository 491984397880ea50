import type { ClientBase, Pool, PoolClient } from 'pg'
import type { HookdConfig } from '../config/load.ts'
import type { HookdError } from '../errors.ts'
import { loadConfig } from '../config/load.ts'
import type { Options } from '../config/option-table.ts'
import { explainConnectError } from '../postgres/connect-error.ts'
import { createPool, replicationConfig, withClient, withPooled } from '../postgres/connect.ts'
import { loadCatalog } from '../postgres/load-catalog.ts'
import { migrate } from '../postgres/migrate.ts'
import { refuseErrors } from '../postgres/finding.ts'
import { judgeTables } from '../postgres/judge-tables.ts'
import { preflight } from '../postgres/preflight.ts'
import { statement } from '../postgres/statements.ts'
import { run, tables } from '../postgres/tables.ts'
import { createSlot } from '../replication/create-slot.ts'
import { ensurePublication } from '../replication/publication.ts'
import { formatRange } from '../replication/lsn.ts'
import { readServerPosition } from '../replication/server-position.ts'
import { dropSlot, readSlot, switchFailoverOn } from '../replication/slot.ts'
import type { ServerPosition } from '../replication/start-position.ts'
import { decideStart } from '../replication/start-position.ts'
import type { OutputPlugin, PluginOptions, TableName } from '../replication/start-replication.ts'
import { pgoutputOptions, wal2jsonOptions } from '../replication/start-replication.ts'
import { interrupted } from '../replication/stream-error.ts'
import type { Log } from '../telemetry/log.ts'
import { LiveConfig } from './live-config.ts'
import { readStored, startProgress } from './progress-store.ts'

/** The options of a run with everything filled in that it cannot do without. */
export interface RunSettings extends Options {
  readonly databaseUrl: string
}

/** Where to read: the slot exists and its position fits what we remember. */
export interface ReadingPlan {
  readonly slot: string
  readonly plugin: OutputPlugin
  readonly startLsn: bigint
  readonly server: ServerPosition
}

const SUBSCRIBERS: TableName = { schema: 'hookd', table: 'subscribers' }
const POOL_SIZE = 6
const LOCK_PLANNING = `select pg_advisory_lock(hashtext('hookd'), hashtext($1))`
const UNLOCK_PLANNING = `select pg_advisory_unlock(hashtext('hookd'), hashtext($1))`
const WRITER_POOL_SIZE = 2

/** What a run works with once everything has been looked over. */
interface Prepared {
  readonly pool: Pool
  readonly writerPool: Pool
  readonly config: LiveConfig
}

/** Connects, brings the schema up to date, and checks hookd.yaml against the catalog. Throws HookdErrors for newcomers. */
export async function prepare(settings: RunSettings, log: Log): Promise<Prepared> {
  const durable = { settings: { synchronous_commit: 'on' } }
  const pool = createPool(settings.databaseUrl, { max: POOL_SIZE, ...durable })
  const writerPool = createPool(settings.databaseUrl, { max: WRITER_POOL_SIZE, ...durable })
  try {
    const config = await withPooled(pool, (client) => load(client, settings, log))
    return { pool, writerPool, config }
  } catch (error) {
    await Promise.all([pool.end(), writerPool.end()])
    throw explainConnectError(error, settings.databaseUrl)
  }
}

async function load(client: PoolClient, settings: RunSettings, log: Log): Promise<LiveConfig> {
  await refuseUnfit(client, settings, log)
  const { applied } = await migrate(client)
  if (applied.length > 0) log.info({ applied }, 'the schema hookd is up to date')
  const catalog = await loadCatalog(client)
  const config = await loadConfig(settings.config, { catalog })
  await saveEvents(client, config)
  return new LiveConfig(config, catalog)
}

/** Writes the events of hookd.yaml where SQL can see them. */
export async function saveEvents(client: ClientBase | Pool, config: HookdConfig): Promise<void> {
  // Two events may be sent under one name; the catalog lists names.
  const events = [...new Map(config.events.map((event) => [event.name?.source ?? event.declaredName, event])).values()]
  await client.query(statement('save_events'), [
    events.map(({ name, declaredName }) => name?.source ?? declaredName),
    events.map(({ manual }) => manual),
    events.map(({ table }) => table),
    events.map(({ operations }) => JSON.stringify([...operations])),
    events.map(({ data }) => JSON.stringify(fieldsOf(data))),
    events.map(({ description }) => description),
    events.map(({ label }) => label),
    events.map(({ enabled }) => enabled),
  ])
}

function fieldsOf(data: HookdConfig['events'][number]['data']): string[] {
  if (data.kind === 'only') return [...data.columns]
  return data.kind === 'templates' ? data.fields.map(({ key }) => key) : []
}

/** Throws one HookdError with everything that keeps hookd from running here, and logs what is worth knowing. */
async function refuseUnfit(client: PoolClient, settings: RunSettings, log: Log): Promise<void> {
  const { findings } = await preflight(client, { ...settings, failoverSlot: settings.failoverSlot && !settings.dryRun })
  refuseErrors(findings)
  for (const { level, code, message, fix } of findings) if (level === 'warning') log.warn({ code, fix }, message)
}

/**
 * Finds or creates the slot and decides where to start, one process at a time, because a slot without its progress would
 * be misread. Throws a HookdError where that needs the operator.
 */
export async function planReading(
  pool: Pool,
  config: LiveConfig,
  settings: RunSettings,
  log: Log,
): Promise<ReadingPlan> {
  return withPooled(pool, async (client) => {
    await client.query(LOCK_PLANNING, [settings.slot])
    try {
      return await plan(pool, config, { settings, log })
    } finally {
      await client.query(UNLOCK_PLANNING, [settings.slot])
    }
  })
}

async function plan(
  pool: Pool,
  config: LiveConfig,
  { settings, log }: { settings: RunSettings; log: Log },
): Promise<ReadingPlan> {
  const { slot: slotName, databaseUrl } = settings
  // In this order: whoever is active meanwhile records before it confirms, and nothing that the server has yet to write.
  const slot = await readSlot(pool, slotName)
  const stored = await readStored(pool, slotName)
  const server = await withClient(replicationConfig(databaseUrl), readServerPosition)
  if (server.isStandby) throw interrupted('the server is a standby now, where no slot can be read')
  const decision = decideStart({ slotName, plugin: settings.plugin, server, slot, stored })
  if (decision.kind === 'refused') {
    if (!settings.acceptGap || !isGap(decision.error)) throw decision.error
    log.warn({ gap: decision.gap && formatRange(decision.gap) }, `accepting a gap: ${decision.error.message}`)
    await dropSlot(pool, slotName, { terminate: true })
    return create(pool, config, { settings, server, log })
  }
  if (decision.kind === 'create') return create(pool, config, { settings, server, log })
  if (settings.failoverSlot && slot?.failover === false) {
    await switchFailoverOn(databaseUrl, slot)
    log.info({ slot: slotName }, 'standbys may keep a copy of the slot from now on')
  }
  if (stored === null) {
    const at = { slot: slotName, plugin: decision.plugin, server, lsn: decision.lsn }
    await startProgress(pool, pool, at)
  }
  await publish(pool, config, { settings, plugin: decision.plugin, log, isInUse: stored !== null })
  return { slot: slotName, plugin: decision.plugin, startLsn: decision.lsn, server }
}

/** Whether what is refused is a loss of changes, which an operator may accept; a slot that is not ours is never dropped. */
function isGap({ code }: HookdError): boolean {
  return code !== 'HOOKD_SLOT_FOREIGN' && code !== 'HOOKD_SLOT_PLUGIN'
}

/** Gives the slot up, so that the next plan makes a new one: for a gap that only shows once the stream is read. */
export async function abandonSlot(pool: Pool, slot: string): Promise<void> {
  await dropSlot(pool, slot, { terminate: true })
  await run(pool, tables.deleteFrom('hookd.progress').where('slot', '=', slot))
}

/** A dry run reads from now on, from a slot of its own that lasts as long as its connection. */
export async function planDryReading(
  pool: Pool,
  config: LiveConfig,
  settings: RunSettings,
  log: Log,
): Promise<ReadingPlan> {
  const { databaseUrl } = settings
  const { plugin, findings } = await preflight(pool, { ...settings, failoverSlot: false })
  refuseErrors(findings)
  const server = await withClient(replicationConfig(databaseUrl), readServerPosition)
  if (plugin === null) throw new Error('the preflight found no plugin and no error')
  await publish(pool, config, { settings, plugin, log })
  return { slot: `hookd_dry_run_${process.pid}`, plugin, startLsn: 0n, server }
}

/** What START_REPLICATION is told for the tables of the configuration. */
export function pluginOptions(plugin: OutputPlugin, config: LiveConfig, settings: RunSettings): PluginOptions {
  if (plugin === 'pgoutput') return pgoutputOptions(settings.publication)
  const { 'add-tables': tables, ...options } = wal2jsonOptions(publishedTables(config))
  return hasPartitions(config) ? options : { ...options, 'add-tables': tables! }
}

/** Refuses tables that cannot be read, and under pgoutput brings the publication in line with the configuration. */
export async function publish(
  pool: Pool,
  config: LiveConfig,
  options: { settings: RunSettings; plugin: OutputPlugin; log: Log; isInUse?: boolean },
): Promise<void> {
  refuseErrors(judgeTables(config.tables, config.catalog, options.plugin))
  if (options.plugin !== 'pgoutput') return
  await withPooled(pool, async (client) => {
    const { steps, unlocked } = await ensurePublication(client, options.settings.publication, publishedTables(config))
    if (steps.length > 0) options.log.info({ steps: steps.map(({ sql }) => sql) }, 'changed the publication')
    if (options.isInUse && steps.some(({ sql }) => sql.startsWith('CREATE'))) {
      options.log.error({}, 'the publication was gone: what changed without it may never be sent; compare your data')
    }
    for (const { schema, table } of unlocked) {
      const text =
        'added a table to the publication without a lock: changes of transactions open just now may be missing'
      options.log.warn({ table: `${schema}.${table}` }, text)
    }
  })
}

/** The tables a publication holds: a partitioned table stands for its partitions. */
export function publishedTables(config: LiveConfig): TableName[] {
  return [SUBSCRIBERS, ...[...config.tables].flatMap((name) => config.table(name) ?? [])]
}

/** wal2json knows partitions by their own names, also those that are yet to come: then it has to send every table. */
function hasPartitions(config: LiveConfig): boolean {
  return [...config.tables].some((name) => config.table(name)?.kind === 'partitioned')
}

async function create(
  pool: Pool,
  config: LiveConfig,
  { settings, server, log }: { settings: RunSettings; server: ServerPosition; log: Log },
): Promise<ReadingPlan> {
  const { databaseUrl, slot, failoverSlot: failover } = settings
  const { plugin, findings } = await preflight(pool, settings)
  refuseErrors(findings)
  if (plugin === null) throw new Error('the preflight found no plugin and no error')
  await publish(pool, config, { settings, plugin, log })
  const startLsn = await createSlot({ databaseUrl, slot, plugin, failover }, async (snapshot, lsn) => {
    await startProgress(pool, snapshot, { slot, plugin, server, lsn })
    return lsn
  })
  log.info({ slot, plugin }, 'created the replication slot; changes from now on are sent')
  return { slot, plugin, startLsn, server }
}
