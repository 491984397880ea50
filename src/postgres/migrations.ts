import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One numbered file of `migrations/`: applied once, in the order of the names, never taken back. */
export interface Migration {
  /** `0001_subscribers.sql` */
  readonly name: string
  readonly sql: string
  /** SHA-256 of the text in hexadecimal, the same whichever line ends the checkout has. */
  readonly checksum: string
  /** A hookd that does not ship this file cannot work with what it leaves: the first line is `--! breaking`. */
  readonly breaking: boolean
}

const SHIPPED = fileURLToPath(new URL('../../migrations/', import.meta.url))

/** The migrations of a folder in order, by default those that hookd ships. */
export function readMigrations(folder = SHIPPED): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .toSorted()
    .map((name) => toMigration(name, readFileSync(join(folder, name), 'utf8')))
}

/** A migration from the name and the text of its file. */
export function toMigration(name: string, text: string): Migration {
  const sql = text.replaceAll('\r\n', '\n')
  return {
    name,
    sql,
    checksum: createHash('sha256').update(sql).digest('hex'),
    breaking: sql.startsWith('--! breaking\n'),
  }
}
