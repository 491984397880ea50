import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from './at-end.ts'
import type { Hookd, HookdOptions } from './hookd.ts'
import { startHookd } from './hookd.ts'
import type { Database } from './postgres.ts'

/** Delivers to loopback; without it no test could receive anything. */
const OPEN_TO_LOOPBACK = 'recipients: { ports: any, block_internal: false }\n'

export interface Scene {
  readonly database: Pick<Database, 'url' | 'plugin' | 'name' | 'query'>
  /** Slots are shared by all databases of a server, so each scene has its own. */
  readonly slot: string
  /** Path of hookd.yaml, which a test may write anew. */
  readonly config: string
  /** Starts `hookd run` and waits until it reads the slot, unless told not to. */
  start(options?: HookdOptions & { ready?: boolean }): Promise<Hookd>
  /** Adds a subscriber by SQL and gives its id. */
  subscribe(url: string, columns?: Record<string, unknown>): Promise<string>
  write(yaml: string): Promise<void>
}

/** A database with tables of its own, a hookd.yaml, and a way to start the daemon against them. */
export async function setScene(
  database: Scene['database'],
  { sql, yaml }: { sql: string; yaml: string },
): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'hookd-scene-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'hookd.yaml')
  const write = (text: string) => writeFile(config, /^recipients:/m.test(text) ? text : text + OPEN_TO_LOOPBACK)
  await write(yaml)
  await database.query(sql)
  const slot = database.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_')
    .slice(0, 60)
  return {
    database,
    slot,
    config,
    write,
    async start({ args = [], env = {}, ready = true, ...rest } = {}) {
      const hookd = startHookd({
        ...rest,
        args: ['run', '--config', config, '--plugin', database.plugin, '--slot', slot, ...args],
        env: { DATABASE_URL: database.url, ...env },
      })
      if (ready) await hookd.waitForOutput(/\bready\b/)
      return hookd
    },
    async subscribe(url, columns = {}) {
      const row = Object.entries({ event: '*', ...columns, url })
      const names = row.map(([name]) => name).join(', ')
      const places = row.map((_, index) => `$${index + 1}`).join(', ')
      const values = row.map(([, value]) =>
        value !== null && typeof value === 'object' ? JSON.stringify(value) : value,
      )
      const [inserted] = await database.query(
        `insert into hookd.subscribers (${names}) values (${places}) returning id`,
        values,
      )
      return inserted.id
    },
  }
}
