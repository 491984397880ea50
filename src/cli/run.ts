import type { Command } from 'commander'
import { OPTIONS, type Options } from '../config/option-table.ts'
import { resolveOptions } from '../config/options.ts'
import { addOptions } from './flags.ts'
import { stopSignal } from './stop-signal.ts'

/** `hookd run`: the daemon, until a signal ends it. */
export function addRun(program: Command): void {
  const command = program
    .command('run')
    .summary('read the slot and send webhooks (the default)')
    .description('read the slot and send webhooks until SIGTERM or Ctrl-C; SIGHUP reads hookd.yaml again')
    .action((flags: Record<string, unknown>) => run(resolveOptions(flags)))
  addOptions(command, Object.keys(OPTIONS) as (keyof Options)[])
}

async function run(options: Options): Promise<void> {
  const [{ runHookd }, { createLog }] = await Promise.all([import('../hookd.ts'), import('../telemetry/log.ts')])
  const log = createLog({ level: options.logLevel, format: options.logFormat })
  const reloads = new EventTarget()
  process.on('SIGHUP', () => reloads.dispatchEvent(new Event('reload')))
  await runHookd(options, {
    signal: stopSignal(),
    reloads,
    log,
    onReady: (info) => log.info(info, 'ready'),
  })
}
