import { inject } from 'vitest'
import { atEnd } from './at-end.ts'
import type { ServerKind } from './binaries.ts'
import { createDatabaseAt, type Database } from './database.ts'
import { serverFolder } from './server-folder.ts'
import { Server, type ServerOptions } from './server.ts'

export { pluginOf, type Database, type Plugin, type Rows } from './database.ts'
export type { ServerKind } from './binaries.ts'
export type { Server, ServerOptions } from './server.ts'

/** The kinds of server that this machine has, for `describe.each`; all of them under CI. */
export const SERVER_KINDS: readonly ServerKind[] = (['pg15', 'pg18'] as const).filter((kind) => inject('servers')[kind])

/** The superuser's URL on the cluster that all tests share: do not stop it, do not change its settings. */
function sharedServerUrl(kind: ServerKind): string {
  const url = inject('servers')[kind]
  if (!url) throw new Error(`this machine has no ${kind} server; ask SERVER_KINDS first`)
  return url
}

/** Creates an empty database on the shared cluster; dropped when the test (or, from `beforeAll`, the file) ends. */
export async function createDatabase(kind: ServerKind, encoding?: string): Promise<Database> {
  const database = await createDatabaseAt(sharedServerUrl(kind), kind, encoding)
  atEnd(() => database.drop())
  return database
}

/** Starts a cluster for tests that stop, crash or reconfigure it; destroyed when the test (or file) ends. */
export async function startServer(kind: ServerKind, options: ServerOptions = {}): Promise<Server> {
  const settings = { fsync: 'off', ...options.settings }
  const template = inject('templates')[kind]
  const server = await Server.create(kind, {
    parent: serverFolder(),
    ...(template && { template }),
    ...options,
    settings,
  })
  atEnd(() => server.destroy())
  return server
}
