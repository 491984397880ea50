import type { Command } from 'commander'
import type pg from 'pg'
import { resolveOptions } from '../config/options.ts'
import { migrate } from '../postgres/migrate.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions } from './flags.ts'

/** `hookd migrate`: installs or upgrades the schema `hookd`. */
export function addMigrate(program: Command): void {
  const command = program
    .command('migrate')
    .summary('install or upgrade the schema hookd')
    .description('install or upgrade the schema hookd; hookd run does it too, where its role may')
    .action(async (flags: { events?: boolean }) => {
      const options = resolveOptions({ ...flags })
      await withDatabase(options, async (client) => {
        const { applied } = await migrate(client)
        console.log(applied.length === 0 ? 'the schema hookd is up to date' : `applied ${applied.join(', ')}`)
        if (flags.events !== true) return
        console.log(`wrote ${await writeEvents(client, options.config)} events of ${options.config} to hookd.events`)
      })
    })
  addOptions(command, ['databaseUrl', 'config'])
  addFlags(command, [
    { flag: '--events', description: 'also write the events of hookd.yaml to hookd.events, for roles that may not' },
  ])
}

async function writeEvents(client: pg.Client, fileName: string): Promise<number> {
  const [{ loadConfig }, { loadCatalog }, { saveEvents }] = await Promise.all([
    import('../config/load.ts'),
    import('../postgres/load-catalog.ts'),
    import('../daemon/prepare.ts'),
  ])
  const config = await loadConfig(fileName, { catalog: await loadCatalog(client) })
  await saveEvents(client, config)
  return config.events.length
}
