import type { Command } from 'commander'
import { resolveOptions } from '../config/options.ts'
import { statement } from '../postgres/statements.ts'
import { formatAge, formatBytes } from './age.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions } from './flags.ts'
import { type ListedSubscriber, withoutSecrets } from './subscribers.ts'
import { formatFacts, formatTable } from './table.ts'

/** A row of `read_status.sql`. */
interface SlotStatus {
  readonly exists: boolean
  readonly elsewhere: boolean
  readonly plugin: string | null
  readonly active_pid: number | null
  readonly wal_status: string | null
  readonly safe_wal_size: number | null
  readonly invalidation_reason: string | null
  /** Null before PostgreSQL 17. */
  readonly failover: boolean | null
  readonly confirmed_lsn: string | null
  readonly lag_bytes: number | null
  readonly kept_bytes: number | null
  readonly lag_seconds: number | null
  readonly client_addr: string | null
  readonly holder: string | null
  readonly progress_lsn: string | null
  readonly progress_seconds: number | null
  /** Of all databases of the server, the longest open one that has written something. */
  readonly oldest_transaction: string | null
  readonly oldest_transaction_seconds: number | null
}

/** `hookd status`: is the slot read, how far behind is it, and what waits for whom. Exit 1 where it is not healthy. */
export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .summary('show how far behind hookd is, and what waits')
    .description('show the slot, how far behind it is, and what waits for each subscriber; exit 1 if nobody reads it')
    .action(async (flags: { json?: boolean }) => {
      const options = resolveOptions({ ...flags })
      await withDatabase(options, async (client) => {
        const { rows: slots } = await client.query<SlotStatus>(statement('read_status'), [options.slot])
        const { rows: subscribers } = await client.query<ListedSubscriber>(statement('list_subscribers'), [null])
        const slot = slots[0]!
        const problem = findProblem(options.slot, slot)
        const shown = subscribers.map(withoutSecrets)
        if (flags.json === true)
          console.log(JSON.stringify({ healthy: problem === null, problem, slot, subscribers: shown }, null, 2))
        else process.stdout.write(describe(options.slot, slot, problem) + formatTable(shown.map(toRow)))
        if (problem !== null) process.exitCode = 1
      })
    })
  addOptions(command, ['databaseUrl', 'slot'])
  addFlags(command, [{ flag: '--json', description: 'print JSON' }])
}

/** What keeps changes from being read, with the next step; null where they are. */
function findProblem(name: string, slot: SlotStatus): string | null {
  if (!slot.exists) {
    return slot.progress_lsn === null
      ? `there is no slot "${name}" yet; "hookd run" creates it`
      : `the slot "${name}" is gone; changes after ${slot.progress_lsn} may be lost, see "hookd check"`
  }
  if (slot.elsewhere) return `the slot "${name}" belongs to another database; choose another with --slot`
  if (slot.wal_status === 'lost' || slot.invalidation_reason !== null) {
    return `the slot "${name}" was invalidated (${slot.invalidation_reason ?? 'its WAL was removed'}); see "hookd check"`
  }
  if (slot.active_pid === null)
    return `nobody reads the slot "${name}", and the server keeps WAL for it; start "hookd run"`
  if (slot.wal_status === 'unreserved')
    return `the slot "${name}" is about to be invalidated; raise max_slot_wal_keep_size`
  return null
}

function describe(name: string, slot: SlotStatus, problem: string | null): string {
  const { lag_bytes: lag, lag_seconds: seconds, kept_bytes: kept, safe_wal_size: safe, progress_seconds: saved } = slot
  const reader = [slot.holder, slot.active_pid === null ? null : `server process ${slot.active_pid}`, slot.client_addr]
  const facts = {
    slot: slot.exists ? `${name} (${slot.plugin})` : `${name} does not exist`,
    reader: slot.active_pid === null ? (slot.exists ? 'nobody' : null) : reader.filter(Boolean).join(', '),
    lag: lag === null ? null : `${formatBytes(lag)}${seconds === null ? '' : `, ${seconds.toFixed(1)} s`}`,
    'WAL kept': kept === null ? null : formatBytes(kept),
    'held by': describeTransaction(slot),
    'WAL left': safe === null ? null : `${formatBytes(safe)} until the slot is in danger`,
    'WAL status': slot.wal_status,
    failover: slot.failover === null ? null : slot.failover ? 'standbys may keep a copy of the slot' : 'no',
    confirmed: slot.confirmed_lsn,
    settled: slot.progress_lsn && `${slot.progress_lsn}, written ${formatAge(saved ?? 0)} ago`,
    problem,
  }
  return `${formatFacts(facts)}\n`
}

/** Younger transactions come and go. */
const LONG_SECONDS = 1

/** What keeps the server from forgetting WAL although hookd has confirmed it. */
function describeTransaction(slot: SlotStatus): string | null {
  const { oldest_transaction: open, oldest_transaction_seconds: seconds } = slot
  if (open === null || seconds === null || seconds < LONG_SECONDS) return null
  return `${open}, a transaction open for ${formatAge(seconds)}`
}

function toRow(row: ListedSubscriber) {
  return {
    subscriber: row.label ?? row.id,
    event: row.event,
    url: row.url,
    state: row.disabled_reason === null ? row.state : `${row.state}: ${row.disabled_reason}`,
    pending: row.pending,
    oldest: row.oldest_pending_seconds === null ? null : formatAge(row.oldest_pending_seconds),
    dead: row.dead,
  }
}
