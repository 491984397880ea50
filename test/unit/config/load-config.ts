import { expect } from 'vitest'
import { parseConfig } from '../../../src/config/load.ts'
import type { HookdConfig } from '../../../src/config/load.ts'
import type { EventDefinition } from '../../../src/matching/event.ts'
import { CATALOG } from './catalog.ts'

/** A file that has no problems. */
export function load(text: string, catalog = CATALOG): HookdConfig {
  const { config, problems } = parseConfig(text, 'hookd.yaml', { catalog })
  expect(problems).toEqual([])
  if (config === null) throw new Error('there are no problems and no configuration')
  return config
}

/** The one event of a file that holds it under `events`, with `rest` before it. */
export function loadEvent(event: string, rest = ''): EventDefinition {
  const [first] = load(`${rest}\nevents:\n  a.b: ${event}\n`).events
  if (first === undefined) throw new Error('there is no event')
  return first
}
