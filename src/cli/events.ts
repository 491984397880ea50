import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { Options } from '../config/option-table.ts'
import { resolveOptions } from '../config/options.ts'
import type { EventDefinition } from '../matching/event.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions } from './flags.ts'
import { formatTable } from './table.ts'

interface ListedEvent {
  readonly event: string
  /** Null for one that is sent with hookd.emit(). */
  readonly table: string | null
  readonly on: readonly string[]
  readonly enabled: boolean
  readonly description: string | null
}

/** `hookd events`: what the file declares, or what the daemon has written to `hookd.events`. */
export function addEvents(program: Command): void {
  const command = program
    .command('events')
    .summary('list the events')
    .description('list the events of hookd.yaml; where there is no such file, those of the table hookd.events')
    .action(async (flags: { installed?: boolean; json?: boolean }) => {
      const options = resolveOptions({ ...flags })
      const fromTable = flags.installed === true || (!existsSync(options.config) && options.databaseUrl !== null)
      const events = fromTable ? await readTable(options) : await readFile(options)
      if (flags.json === true) console.log(JSON.stringify(events, null, 2))
      else process.stdout.write(formatTable(events.map(toRow)))
    })
  addOptions(command, ['databaseUrl', 'config'])
  addFlags(command, [
    { flag: '--installed', description: 'list hookd.events, which the daemon wrote when it last read its file' },
    { flag: '--json', description: 'print JSON' },
  ])
}

async function readFile({ config }: Options): Promise<ListedEvent[]> {
  const { loadConfig } = await import('../config/load.ts')
  const { events } = await loadConfig(config, { catalog: null })
  return events.map(
    ({ declaredName, name, table, operations, enabled, description }: EventDefinition): ListedEvent => ({
      event: name?.source ?? declaredName,
      table,
      on: [...operations],
      enabled,
      description,
    }),
  )
}

function readTable(options: Options): Promise<ListedEvent[]> {
  return withDatabase(options, async (client) => {
    const { rows } = await client.query<ListedEvent>(
      `select name as event, table_name as "table", operations as "on", enabled, description
       from hookd.events order by name`,
    )
    return rows
  })
}

function toRow({ event, table, on, enabled, description }: ListedEvent) {
  return {
    event,
    table,
    on: table === null ? 'hookd.emit()' : on.join(', '),
    enabled: enabled ? 'yes' : 'no',
    description: description ?? '',
  }
}
