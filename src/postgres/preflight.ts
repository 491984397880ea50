import type pg from 'pg'
import { failing, type Finding, ok } from './finding.ts'
import { judgeRole, judgeServer } from './judge-server.ts'
import { readSchemaState } from './schema-state.ts'
import { hasPlugin, readServerFacts, type ServerFacts } from './server.ts'

type Plugin = 'wal2json' | 'pgoutput'

export interface PreflightWants {
  readonly databaseUrl: string
  readonly slot: string
  readonly plugin: Plugin | 'auto'
  readonly failoverSlot: boolean
}

export interface Preflight {
  readonly facts: ServerFacts
  readonly findings: readonly Finding[]
  /** What the slot has, or what a new one should get; null where that could not be found out. */
  readonly plugin: Plugin | null
}

/**
 * Looks at everything that has to be right before a slot can be read, and changes nothing: the server, the role, the
 * schema `hookd`, the output plugin. `refuseErrors` turns what is wrong into one error.
 *
 * The slot's own health is for `decideStart`, the publication for `planPublication`, the tables for `judgeTables`.
 */
export async function preflight(client: pg.ClientBase | pg.Pool, wants: PreflightWants): Promise<Preflight> {
  const facts = await readServerFacts(client)
  const { rows } = await client.query<{ slot: { active: boolean; plugin: string | null } | null; database: string }>(
    `select current_database() as database,
       (select to_jsonb(s) from pg_replication_slots s where slot_name = $1) as slot`,
    [wants.slot],
  )
  const { slot, database } = rows[0]!
  const needs = { slot: wants.slot, slotIs: slot, database, failoverSlot: wants.failoverSlot }
  const server = judgeServer(facts, needs)
  const role = judgeRole(facts, await readSchemaState(client), needs)
  const isUtf8 = facts.encoding === 'UTF8'
  const probing = await choosePlugin(wants, slot?.plugin ?? null, { isAble: isAble([...server, ...role]), isUtf8 })
  return { facts, findings: [...server, ...probing.findings, ...role], plugin: probing.plugin }
}

/** What asking for a plugin takes; without it the question would only fail for another reason. */
function isAble(findings: readonly Finding[]): boolean {
  const needed = new Set([
    'HOOKD_STANDBY',
    'HOOKD_WAL_LEVEL',
    'HOOKD_SLOT_LIMIT',
    'HOOKD_SENDER_LIMIT',
    'HOOKD_NO_REPLICATION',
  ])
  return !findings.some(({ level, code }) => level === 'error' && needed.has(code))
}

interface Choice {
  readonly plugin: Plugin | null
  readonly findings: readonly Finding[]
}

async function choosePlugin(
  wants: PreflightWants,
  ofSlot: string | null,
  server: { readonly isAble: boolean; readonly isUtf8: boolean },
): Promise<Choice> {
  if (ofSlot === 'wal2json' || ofSlot === 'pgoutput') return chosen(ofSlot, `plugin ${ofSlot}, as the slot was created`)
  if (wants.plugin === 'pgoutput') return chosen('pgoutput', 'plugin pgoutput')
  if (!server.isUtf8)
    return withoutWal2json(wants, 'wal2json sends text in the encoding of the database, which is not UTF8')
  if (!server.isAble) return { plugin: wants.plugin === 'auto' ? null : wants.plugin, findings: [] }
  const problem = await wal2jsonProblem(wants.databaseUrl)
  if (problem === null) return chosen('wal2json', 'plugin wal2json')
  return withoutWal2json(wants, problem)
}

function withoutWal2json({ plugin }: PreflightWants, problem: string): Choice {
  if (plugin === 'auto') return chosen('pgoutput', `plugin pgoutput (${problem})`)
  const fix = 'Install it there (Debian: postgresql-<version>-wal2json), or run with --plugin pgoutput.'
  return { plugin: null, findings: [failing('HOOKD_PLUGIN_MISSING', problem, fix)] }
}

function chosen(plugin: Plugin, message: string): Choice {
  return { plugin, findings: [ok('HOOKD_PLUGIN', message)] }
}

/** Null where the server can load it. */
async function wal2jsonProblem(databaseUrl: string): Promise<string | null> {
  try {
    return (await hasPlugin(databaseUrl, 'wal2json')) ? null : 'the server has no wal2json'
  } catch (error) {
    // Servers may name the plugins that they load (output_plugin_libraries) and refuse the others in their own words.
    if (!isRefusal(error)) throw error
    return `the server does not load wal2json: ${error.message}`
  }
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(42|55|22|0A)/.test(error.code)
  )
}
