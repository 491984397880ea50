import type pg from 'pg'
import type { Options } from '../../config/option-table.ts'
import { requireDatabaseUrl } from '../../config/options.ts'
import { readStored } from '../../daemon/progress-store.ts'
import { replicationConfig, withClient } from '../../postgres/connect.ts'
import { failing, type Finding, ok, warning } from '../../postgres/finding.ts'
import type { Preflight } from '../../postgres/preflight.ts'
import { formatLsn } from '../../replication/lsn.ts'
import { readServerPosition } from '../../replication/server-position.ts'
import { readSlot, type SlotState } from '../../replication/slot.ts'
import { decideStart, type ServerPosition } from '../../replication/start-position.ts'
import { formatBytes } from '../age.ts'

/** What is too near to the limit of the WAL that a slot may keep. */
const LEAST_SAFE_BYTES = 64 * 1024 ** 2

/** Whether the slot can be read on from where hookd was, and how it is. */
export async function checkSlot(client: pg.Client, options: Options, { facts }: Preflight): Promise<Finding[]> {
  if (!facts.role.replication || facts.inRecovery || facts.walSenders.used >= facts.walSenders.max) return []
  const server = await withClient(replicationConfig(requireDatabaseUrl(options)), readServerPosition)
  const slot = await readSlot(client, options.slot)
  const stored = (await mayReadProgress(client)) ? await readStored(client, options.slot) : null
  const decision = decideStart({ slotName: options.slot, plugin: options.plugin, server, slot, stored })
  switch (decision.kind) {
    case 'refused':
      return [failing(decision.error.code as Finding['code'], decision.error.message, null)]
    case 'create':
      return [ok('HOOKD_SLOT', `the slot "${options.slot}" is still to be created; hookd run does it`)]
    case 'start':
      return slot === null
        ? []
        : [describe(options.slot, slot, server), ...judgeHealth(options.slot, slot), ...judgeFailover(options, slot)]
  }
}

/** The table may be missing, or closed to this role, which other findings say. */
async function mayReadProgress(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ readable: boolean }>(
    `select exists (
       select from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'hookd' and c.relname = 'progress'
         and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
     ) as readable`,
  )
  return rows[0]!.readable
}

function describe(
  name: string,
  { activePid, confirmedFlush, failover }: SlotState,
  { walEnd }: ServerPosition,
): Finding {
  const reader = activePid === null ? 'nobody reads it now' : `server process ${activePid} reads it`
  const copied = failover ? '; standbys may keep a copy of it' : ''
  const confirmed = confirmedFlush ?? 0n
  const behind = formatBytes(Number(walEnd - confirmed))
  return ok('HOOKD_SLOT', `the slot "${name}" is at ${formatLsn(confirmed)}, ${behind} behind; ${reader}${copied}`)
}

function judgeFailover({ slot: name, failoverSlot }: Options, { failover }: SlotState): Finding[] {
  if (!failoverSlot || failover) return []
  const message = `the slot "${name}" would not outlive a failover yet; hookd run sees to it when nobody reads the slot`
  return [warning('HOOKD_FAILOVER_SLOT', message)]
}

function judgeHealth(name: string, { walStatus, safeWalBytes }: SlotState): Finding[] {
  if (walStatus !== 'unreserved' && (safeWalBytes === null || safeWalBytes > LEAST_SAFE_BYTES)) return []
  const left = safeWalBytes === null ? '' : ` (${formatBytes(safeWalBytes)} of WAL are left)`
  const message = `the slot "${name}" is about to be invalidated${left}, and what was not read by then would be lost`
  return [
    warning('HOOKD_SLOT_ENDANGERED', message, 'Start hookd, or raise max_slot_wal_keep_size; SELECT pg_reload_conf();'),
  ]
}
