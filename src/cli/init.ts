import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { sampleConfig } from '../config/init.ts'
import type { Options } from '../config/option-table.ts'
import { resolveOptions } from '../config/options.ts'
import { HookdError } from '../errors.ts'
import { loadCatalog } from '../postgres/load-catalog.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions } from './flags.ts'

/** `hookd init`: a hookd.yaml to start from. */
export function addInit(program: Command): void {
  const command = program
    .command('init')
    .summary('write a starting hookd.yaml')
    .description('write a starting hookd.yaml: events for every table of the database, and examples')
    .action((flags: { force?: boolean }) => init(resolveOptions({ ...flags }), flags.force === true))
  addOptions(command, ['databaseUrl', 'config'])
  addFlags(command, [{ flag: '--force', description: 'overwrite the file' }])
}

async function init(options: Options, force: boolean): Promise<void> {
  const text = sampleConfig(await withDatabase(options, loadCatalog))
  try {
    await writeFile(options.config, text, { flag: force ? 'w' : 'wx' })
  } catch (cause) {
    throw explainWrite(cause as NodeJS.ErrnoException, options.config)
  }
  console.log(`wrote ${options.config}\n`)
  console.log('Next: edit it, then look it over with "hookd check", and say who receives what:')
  console.log("  insert into hookd.subscribers (event, url) values ('*', 'https://example.com/hook');")
}

function explainWrite(cause: NodeJS.ErrnoException, file: string): HookdError {
  if (cause.code === 'EEXIST') {
    const remedy = 'Overwrite it with --force, or name another with --config.'
    return new HookdError('HOOKD_CONFIG_EXISTS', `${file} is there already. ${remedy}`, { cause })
  }
  return new HookdError('HOOKD_CONFIG_UNWRITABLE', `cannot write ${file}: ${cause.message}.`, { cause })
}
