import type { Command } from 'commander'
import { resolveOptions } from '../config/options.ts'
import { statement } from '../postgres/statements.ts'
import { formatTime } from './age.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions, uuid, wholeNumber } from './flags.ts'
import { addShowDelivery } from './show-delivery.ts'
import { formatTable, shorten } from './table.ts'

interface ListedDelivery {
  readonly id: string
  readonly event: string
  readonly subscriber_id: string
  /** Its label. */
  readonly subscriber: string | null
  readonly state: string
  readonly attempts: number
  readonly next_attempt_at: Date | null
  readonly last_status: number | null
  readonly last_error: string | null
  readonly table: string | null
  readonly key: Readonly<Record<string, unknown>> | null
  readonly created_at: Date
}

interface ListFlags {
  readonly state?: string
  readonly event?: string
  readonly subscriber?: string
  readonly message?: string
  readonly limit: number | string
  readonly json?: boolean
}

/** `hookd deliveries`: what the ledger holds. */
export function addDeliveries(program: Command): void {
  const command = program
    .command('deliveries')
    .summary('list the deliveries that are kept, or show one')
    .description(
      'list the deliveries that are kept: waiting, failed or (under "delivery_log: all") delivered; or show one',
    )
  const list = command
    .command('list')
    .description('list them, the newest first (also without "list")')
    .action(async (flags: ListFlags) => {
      const { state = null, event = null, subscriber = null, message = null, limit } = flags
      await withDatabase(resolveOptions({ ...flags }), async (client) => {
        const values = [state, event, subscriber, message, limit]
        const { rows } = await client.query<ListedDelivery>(statement('list_deliveries'), values)
        if (flags.json === true) console.log(JSON.stringify(rows, null, 2))
        else process.stdout.write(formatTable(rows.map(toRow)))
        if (rows.length === Number(limit)) console.error(`there may be more than ${limit}; see --limit`)
      })
    })
  addOptions(list, ['databaseUrl'])
  addFlags(list, [
    { flag: '--state <state>', description: 'only these', choices: ['pending', 'delivered', 'dead', 'cancelled'] },
    { flag: '--event <pattern>', description: 'only of these events, such as article.*' },
    { flag: '--subscriber <id>', description: 'only to this subscriber', parse: uuid },
    { flag: '--message <id>', description: 'only of this message' },
    { flag: '--limit <n>', description: 'at most so many', default: '50', parse: wholeNumber(1) },
    { flag: '--json', description: 'print JSON' },
  ])
  addShowDelivery(command)
}

function toRow(row: ListedDelivery) {
  return {
    id: row.id,
    event: row.event,
    row: row.table === null ? null : shorten(`${row.table} ${Object.values(row.key ?? {}).join(' ')}`, 40),
    subscriber: row.subscriber ?? row.subscriber_id.slice(0, 8),
    state: row.state,
    attempts: row.attempts,
    next: row.next_attempt_at === null ? null : formatTime(row.next_attempt_at),
    status: row.last_status,
    error: row.last_error === null ? null : shorten(row.last_error, 60),
  }
}
