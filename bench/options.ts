import { parseArgs } from 'node:util'
import type { Plugin } from '../test/support/database.ts'

/** What the command line asks for. */
export interface BenchOptions {
  readonly json: boolean
  /** Keys of the cases to run; null: all. */
  readonly only: readonly string[] | null
  readonly plugins: readonly Plugin[]
  readonly reps: number
  /** Events of one run of (a); other cases take a multiple. */
  readonly events: number
}

const PLUGINS: readonly Plugin[] = ['wal2json', 'pgoutput']

/** Reads the command line. Throws a plain sentence for what it does not know. */
export function readOptions(args: readonly string[], known: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string' },
      plugin: { type: 'string' },
      reps: { type: 'string', default: '3' },
      events: { type: 'string', default: '20000' },
    },
  })
  const only = values.only?.split(',') ?? null
  const unknown = only?.find((key) => !known.includes(key))
  if (unknown !== undefined) throw new Error(`there is no case "${unknown}"; there are ${known.join(', ')}`)
  const plugins = PLUGINS.filter((plugin) => values.plugin === undefined || values.plugin === plugin)
  if (plugins.length === 0) throw new Error(`--plugin is ${PLUGINS.join(' or ')}`)
  return {
    json: values.json,
    only,
    plugins,
    reps: whole('--reps', values.reps),
    events: whole('--events', values.events),
  }
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`${name} is a whole number above 0`)
}
