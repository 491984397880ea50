import type { Command } from 'commander'
import type pg from 'pg'
import type { Options } from '../config/option-table.ts'
import { resolveOptions } from '../config/options.ts'
import { HookdError } from '../errors.ts'
import { run, tables } from '../postgres/tables.ts'
import { dropPublication, readPublication } from '../replication/publication.ts'
import { dropSlot, readSlot } from '../replication/slot.ts'
import { confirm } from './confirm.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions } from './flags.ts'

interface DropFlags {
  readonly yes?: boolean
  readonly force?: boolean
  readonly schema?: boolean
}

/** `hookd drop`: removes what hookd leaves on the server. */
export function addDrop(program: Command): void {
  const command = program
    .command('drop')
    .summary('remove the slot and the publication')
    .description('remove the slot and the publication, so that the server keeps no WAL for hookd')
    .action((flags: DropFlags) => {
      const options = resolveOptions({ ...flags })
      return withDatabase(options, (client) => drop(client, options, flags))
    })
  addOptions(command, ['databaseUrl', 'slot', 'publication'])
  addFlags(command, [
    { flag: '--yes', description: 'do not ask' },
    { flag: '--force', description: 'also where a hookd is reading the slot: end its connection' },
    { flag: '--schema', description: 'also drop the schema hookd with all subscribers and deliveries' },
  ])
}

async function drop(
  client: pg.Client,
  options: Options,
  { yes, force = false, schema = false }: DropFlags,
): Promise<void> {
  const found = await find(client, options, schema)
  if (found.things.length === 0) {
    console.log('nothing to drop')
    return
  }
  const list = found.things.join(', ')
  if (found.readBy !== null && !force) {
    const next = 'Stop that hookd first, or end its connection with --force.'
    throw new HookdError(
      'HOOKD_SLOT_ACTIVE',
      `server process ${found.readBy} reads the slot "${options.slot}". ${next}`,
    )
  }
  if (yes !== true && !(await mayDrop(list))) {
    console.log('nothing was dropped')
    return
  }
  if (await dropSlot(client, options.slot, { terminate: force })) console.log(`dropped the slot "${options.slot}"`)
  if (await dropPublication(client, options.publication))
    console.log(`dropped the publication "${options.publication}"`)
  if (found.hasProgress) await forget(client, options.slot)
  if (found.hasSchema) {
    await client.query('drop schema hookd cascade')
    console.log('dropped the schema hookd')
  }
}

async function mayDrop(list: string): Promise<boolean> {
  const answer = await confirm(`Drop ${list}?`)
  if (answer !== null) return answer
  throw new HookdError('HOOKD_UNCONFIRMED', `this would drop ${list}. Repeat it with --yes.`)
}

interface Found {
  /** What would go, in words. */
  readonly things: readonly string[]
  readonly readBy: number | null
  readonly hasProgress: boolean
  readonly hasSchema: boolean
}

async function find(client: pg.Client, { slot, publication }: Options, schema: boolean): Promise<Found> {
  const state = await readSlot(client, slot)
  const { rows } = await client.query<{ installed: boolean; database: string }>(
    `select exists (select from pg_tables where schemaname = 'hookd' and tablename = 'progress') as installed,
       current_database() as database`,
  )
  const { installed, database } = rows[0]!
  const hasProgress = installed && (await remembers(client, slot))
  if (state !== null && state.database !== database) {
    const owner = state.database === null ? 'physical replication' : `database "${state.database}"`
    throw new HookdError('HOOKD_SLOT_FOREIGN', `slot "${slot}" belongs to ${owner}. Name another with --slot.`)
  }
  const hasPublication = (await readPublication(client, publication)) !== null
  const things = [
    ...(state === null ? [] : [`the slot "${slot}"`]),
    ...(hasPublication ? [`the publication "${publication}"`] : []),
    ...(hasProgress ? ['how far it was read'] : []),
    ...(installed && schema ? ['the schema hookd with all subscribers and deliveries'] : []),
  ]
  return { things, readBy: state?.activePid ?? null, hasProgress, hasSchema: installed && schema }
}

async function remembers(client: pg.Client, slot: string): Promise<boolean> {
  const found = await run(client, tables.selectFrom('hookd.progress').select('slot').where('slot', '=', slot))
  return found.length === 1
}

/** Without its slot the position means nothing, and the next start would take it for a lost slot. */
async function forget(client: pg.Client, slot: string): Promise<void> {
  await run(client, tables.deleteFrom('hookd.progress').where('slot', '=', slot))
  await run(client, tables.deleteFrom('hookd.directory').where('slot', '=', slot))
}
