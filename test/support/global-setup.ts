import type { TestProject } from 'vitest/node'
import { findBinaries, PG15_MISSING, type ServerKind } from './binaries.ts'
import { serverFolder } from './server-folder.ts'
import { Server } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the shared cluster of each kind; absent where the machine has none. */
    servers: Partial<Record<ServerKind, string>>
    /** What a server of a test's own is made from. */
    templates: Partial<Record<ServerKind, string>>
  }
}

/** Far from hookd's own session settings, so that a test fails where hookd forgets to pin one. */
const UNFRIENDLY = {
  TimeZone: 'Asia/Kolkata',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  extra_float_digits: '0',
  bytea_output: 'escape',
  fsync: 'off',
}

interface SharedServer {
  readonly server: Server
  readonly template: string
}

interface Shared {
  readonly servers: Promise<Partial<Record<ServerKind, SharedServer>>>
  users: number
}

/** Two projects use one pair of clusters, and each project loads this file afresh. */
const holder = globalThis as { hookdSharedServers?: Shared }

/** Starts the shared clusters for the whole run and gives their URLs to the tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (holder.hookdSharedServers ??= { servers: startAll(), users: 0 })
  shared.users += 1
  const servers = await shared.servers
  const each = Object.entries(servers)
  project.provide('servers', Object.fromEntries(each.map(([kind, { server }]) => [kind, server.url()])))
  project.provide('templates', Object.fromEntries(each.map(([kind, { template }]) => [kind, template])))
  return async () => {
    shared.users -= 1
    if (shared.users > 0) return
    delete holder.hookdSharedServers
    await Promise.all(Object.values(servers).map(({ server }) => server.destroy()))
  }
}

async function startAll(): Promise<Partial<Record<ServerKind, SharedServer>>> {
  const [pg15, pg18] = await Promise.all([startOne('pg15'), startOne('pg18')])
  return { ...(pg15 && { pg15 }), ...(pg18 && { pg18 }) }
}

async function startOne(kind: ServerKind): Promise<SharedServer | null> {
  const required = kind !== 'pg15' || process.env['CI'] === 'true'
  if (required || (await findBinaries(kind))) {
    const server = await Server.create(kind, { settings: UNFRIENDLY, parent: serverFolder() })
    return { server, template: await server.makeTemplate() }
  }
  console.warn(`${PG15_MISSING} Tests on pg15 are left out.`)
  return null
}
