import { migrate } from '../../src/postgres/migrate.ts'
import type { ServerKind } from './binaries.ts'
import { createDatabase, type Database } from './postgres.ts'

/** A fresh database with the schema `hookd` in it. */
export async function createMigratedDatabase(kind: ServerKind): Promise<Database> {
  const database = await createDatabase(kind)
  await migrate({ connectionString: database.url })
  return database
}
