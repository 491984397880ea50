import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Plugin } from '../test/support/database.ts'

/** What `npm run chaos` was asked for. */
export interface ChaosOptions {
  /** How long faults go on, for each plugin. */
  readonly minutes: number
  readonly seed: number
  readonly plugins: readonly Plugin[]
  /** Faults and kills after which it stops early; null: only the time counts. */
  readonly faults: number | null
  readonly kills: number | null
  /** Where histories and logs go. */
  readonly folder: string
}

export const USAGE = `Usage: npm run chaos -- [options]

  --minutes <m>     how long faults go on, for each plugin (default 1)
  --seed <n>        repeats the choices of an earlier run (default: a random one)
  --plugin <name>   wal2json, pgoutput, or both, one after the other (default both)
  --faults <n>      stop early after so many faults
  --kills <n>       stop early after so many kills
  --folder <path>   where histories and logs go (default: a new folder in ${tmpdir()})
`

const PLUGINS: Readonly<Record<string, readonly Plugin[]>> = {
  wal2json: ['wal2json'],
  pgoutput: ['pgoutput'],
  both: ['wal2json', 'pgoutput'],
}

/** Reads the command line; null where help was asked for. Throws a sentence on anything it does not know. */
export function parseOptions(args: readonly string[]): ChaosOptions | null {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: text,
      seed: text,
      plugin: text,
      faults: text,
      kills: text,
      folder: text,
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) return null
  const seed = number('seed', values.seed) ?? Math.floor(Math.random() * 1_000_000)
  const plugins = PLUGINS[values.plugin ?? 'both']
  if (plugins === undefined) throw new Error(`--plugin must be wal2json, pgoutput or both, not "${values.plugin}"`)
  return {
    minutes: number('minutes', values.minutes) ?? 1,
    seed,
    plugins,
    faults: number('faults', values.faults),
    kills: number('kills', values.kills),
    folder: values.folder ?? join(tmpdir(), `hookd-chaos-${seed}-${process.pid}`),
  }
}

function number(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new Error(`--${name} must be a number, not "${text}"`)
  }
  return value
}
