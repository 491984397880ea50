import { readFile } from 'node:fs/promises'
import { HookdError } from '../errors.ts'
import type { EventDefinition, RecipientPolicy } from '../matching/event.ts'
import type { Catalog } from '../postgres/catalog.ts'
import { DEFAULT_DELIVERY, readDelivery } from './delivery-settings.ts'
import type { DeliverySettings } from './delivery-settings.ts'
import { readEvent } from './event.ts'
import { fieldsOf, mapping, read } from './fields.ts'
import type { Field } from './fields.ts'
import { formatProblems } from './format-problems.ts'
import { Problems } from './problems.ts'
import type { ConfigProblem } from './problems.ts'
import { DEFAULT_RECIPIENTS, readRecipients } from './recipients.ts'
import { readTables } from './table-settings.ts'
import { parseYaml } from './yaml.ts'
import { describeNode } from './yaml-node.ts'
import type { YamlEntry, YamlNode } from './yaml-node.ts'

/** hookd.yaml, checked and compiled. */
export interface HookdConfig {
  readonly events: readonly EventDefinition[]
  readonly delivery: DeliverySettings
  /** What an event may dial that says nothing else. */
  readonly recipients: RecipientPolicy
  /** The tables of the enabled events, as unquoted `schema.table`: what a publication has to hold. */
  readonly tables: ReadonlySet<string>
}

export interface ParsedConfig {
  /** Null where there are problems. */
  readonly config: HookdConfig | null
  readonly problems: readonly ConfigProblem[]
  /** Worth showing, and no reason to refuse the file. */
  readonly warnings: readonly ConfigProblem[]
}

const SECTIONS = ['tables', 'events', 'delivery', 'recipients']

/**
 * Parses and checks hookd.yaml, against the catalog of the database where there is one.
 *
 * Finds every problem at once. Behind a syntax error only what cannot be its consequence is reported.
 */
export function parseConfig(text: string, fileName: string, { catalog }: { catalog: Catalog | null }): ParsedConfig {
  const problems = new Problems(fileName, text)
  const { root, errors } = parseYaml(text, problems)
  const config = readSections(root, { catalog, problems, whole: errors.length === 0 })
  const first = errors[0]
  if (first !== undefined) problems.dropFrom(startOfEntry(root, first.at))
  for (const { at, message } of errors) problems.report(at, message)
  const found = problems.problems()
  return { config: found.length === 0 ? config : null, problems: found, warnings: problems.warnings() }
}

/** Reads and parses a file; throws a `HookdError` for one that cannot be read or has problems. */
export async function loadConfig(fileName: string, options: { catalog: Catalog | null }): Promise<HookdConfig> {
  const { config, problems } = parseConfig(await readConfigText(fileName), fileName, options)
  if (config === null) throw new HookdError('HOOKD_CONFIG_INVALID', formatProblems(problems))
  return config
}

/** The text of a file; throws a `HookdError` for one that is not there, not readable or not UTF-8. */
export async function readConfigText(fileName: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(fileName))
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') {
      const next = 'run "hookd init" to write one from your database, or name another with --config'
      throw new HookdError('HOOKD_CONFIG_NOT_FOUND', `there is no ${fileName}; ${next}.`, { cause })
    }
    const reason = cause instanceof TypeError ? 'it is not UTF-8 text' : `${(cause as Error).message}`
    throw new HookdError('HOOKD_CONFIG_UNREADABLE', `cannot read ${fileName}: ${reason}.`, { cause })
  }
}

interface Reading {
  readonly catalog: Catalog | null
  readonly problems: Problems
  /** False where a syntax error may have swallowed a section. */
  readonly whole: boolean
}

function readSections(root: YamlNode | null, { catalog, problems, whole }: Reading): HookdConfig | null {
  if (root?.kind !== 'map') {
    const shape = root === null || root.kind === 'null' ? 'the file is empty' : `the file holds ${describeNode(root)}`
    problems.report(root?.at ?? 0, `${shape}; it must be a mapping with "events:", run "hookd init" to write one`)
    return null
  }
  const sections = fieldsOf(root, { where: 'the file', keys: SECTIONS, problems })
  const delivery = read(sections, 'delivery', readDelivery) ?? DEFAULT_DELIVERY
  const recipients = { ...DEFAULT_RECIPIENTS, ...read(sections, 'recipients', readRecipients) }
  const tables = read(sections, 'tables', (field) => readTables(field, catalog, delivery.retry)) ?? new Map()
  if (whole && !root.entries.some(({ key }) => key === 'events')) problems.report(root.at, 'the file needs "events:"')
  const entries = read(sections, 'events', eventEntries) ?? []
  const context = { catalog, tables, defaultRetry: delivery.retry, recipients, problems }
  const events = entries.flatMap((entry) => readEvent(entry, context) ?? [])
  const inUse = events.flatMap(({ enabled, table }) => (enabled && table !== null ? table : []))
  return { events, delivery, recipients, tables: new Set(inUse) }
}

function eventEntries(section: Field): readonly YamlEntry[] | null {
  const map = mapping(section)
  if (map?.entries.length === 0)
    section.problems.report(section.at, '"events" declares none; add one, or run "hookd init"')
  return map?.entries ?? null
}

/** Where the section lies that holds an offset; within `tables` and `events`, where its entry does. */
function startOfEntry(root: YamlNode | null, at: number): number {
  const section = lastBefore(root, at)
  return lastBefore(section?.value ?? null, at)?.at ?? section?.at ?? 0
}

function lastBefore(node: YamlNode | null, at: number): YamlEntry | undefined {
  return node?.kind === 'map' ? node.entries.findLast((entry) => entry.at < at) : undefined
}
