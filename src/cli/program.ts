import { Command } from 'commander'
import { addCheck } from './check.ts'
import { addDeliveries } from './deliveries.ts'
import { addDemo } from './demo.ts'
import { addDrop } from './drop.ts'
import { addEmit } from './emit.ts'
import { addEvents } from './events.ts'
import { readSwitches } from './flags.ts'
import { addInit } from './init.ts'
import { addListen } from './listen.ts'
import { addMigrate } from './migrate.ts'
import { addReplay } from './replay.ts'
import { addRun } from './run.ts'
import { addSign } from './sign.ts'
import { addStatus } from './status.ts'
import { addSubscribers } from './subscribers.ts'
import { addVerify } from './verify.ts'
import { VERSION } from '../daemon/version.ts'

const COMMANDS = [
  addRun,
  addCheck,
  addInit,
  addMigrate,
  addEvents,
  addSubscribers,
  addDeliveries,
  addReplay,
  addStatus,
  addEmit,
  addListen,
  addSign,
  addVerify,
  addDrop,
  addDemo,
]

/** Commands that have subcommands. */
const GROUPS: ReadonlySet<string> = new Set(['subscribers', 'deliveries'])

/** Flags that belong to the program rather than to `hookd run`. */
const OWN_FLAGS: ReadonlySet<string> = new Set(['-h', '--help', '-V', '--version'])

/** The command line of hookd. Wrong usage rejects with a CommanderError after its sentence was printed. */
export function createProgram(): Command {
  const program = new Command('hookd')
    .description('Sends committed row changes of PostgreSQL as signed webhooks. Without a command: hookd run.')
    .version(VERSION)
    .exitOverride()
    .configureHelp({ showGlobalOptions: false, helpWidth: Math.min(process.stdout.columns || 100, 100) })
    .configureOutput({ outputError: (text, write) => write(text) })
    .showHelpAfterError('Add --help to see what there is.')
    .addHelpText('after', '\nTo see it at work, with nothing set up: hookd demo')
    .hook('preAction', (_, command) => readSwitches(command))
  for (const add of COMMANDS) add(program)
  return program
}

/** `['--slot', 'a']` -> `['run', '--slot', 'a']`, `['deliveries']` -> `['deliveries', 'list']`; all else stays as it is. */
export function withDefaultCommand(args: readonly string[]): readonly string[] {
  const [first, second] = args
  if (namesNone(first)) return ['run', ...args]
  const isGroup = first !== undefined && GROUPS.has(first)
  return isGroup && namesNone(second) ? [first, 'list', ...args.slice(1)] : args
}

function namesNone(word: string | undefined): boolean {
  return word === undefined || (word.startsWith('-') && !OWN_FLAGS.has(word))
}
