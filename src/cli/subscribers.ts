import type { Command } from 'commander'
import { resolveOptions } from '../config/options.ts'
import { statement } from '../postgres/statements.ts'
import { formatAge } from './age.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions } from './flags.ts'
import { addSubscriberChanges } from './subscriber-changes.ts'
import { formatTable } from './table.ts'
import { shownUrl } from './url-shown.ts'

/** A row of `list_subscribers.sql`; the columns of the subscriber are null where it stands in hookd.yaml. */
export interface ListedSubscriber {
  readonly id: string
  readonly label: string | null
  readonly event: string | null
  readonly url: string | null
  readonly owner: string | null
  readonly state: 'active' | 'paused' | 'disabled' | 'in hookd.yaml'
  readonly disabled_reason: string | null
  readonly pending: number
  readonly dead: number
  readonly oldest_pending_seconds: number | null
}

/** `hookd subscribers`: who receives what; with a subcommand, changes to that. */
export function addSubscribers(program: Command): void {
  const command = program
    .command('subscribers')
    .summary('list or change the subscribers')
    .description('list the subscribers, without their secrets, or change them')
  const list = command
    .command('list')
    .description('list them (also without "list")')
    .action(async (flags: { event?: string; json?: boolean }) => {
      await withDatabase(resolveOptions({ ...flags }), async (client) => {
        const { rows } = await client.query<ListedSubscriber>(statement('list_subscribers'), [flags.event ?? null])
        const shown = rows.map(withoutSecrets)
        if (flags.json === true) console.log(JSON.stringify(shown, null, 2))
        else process.stdout.write(formatTable(shown.map(toRow)))
      })
    })
  addOptions(list, ['databaseUrl'])
  addFlags(list, [
    { flag: '--event <name>', description: 'only those that receive this event' },
    { flag: '--json', description: 'print JSON' },
  ])
  addSubscriberChanges(command)
}

/** URLs may hold tokens. */
export function withoutSecrets<T extends { readonly url: string | null }>(row: T): T {
  return row.url === null ? row : { ...row, url: shownUrl(row.url) }
}

function toRow(row: ListedSubscriber) {
  return {
    id: row.id,
    event: row.event,
    url: row.url,
    owner: row.owner,
    state: row.disabled_reason === null ? row.state : `${row.state}: ${row.disabled_reason}`,
    pending: row.pending,
    oldest: row.oldest_pending_seconds === null ? null : formatAge(row.oldest_pending_seconds),
    dead: row.dead,
    label: row.label,
  }
}
