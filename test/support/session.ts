import pg from 'pg'
import { clientConfig } from '../../src/postgres/connect.ts'
import { atEnd } from './at-end.ts'
import type { Database } from './database.ts'

/** A session with the settings that hookd pins; closed when the test (or, from `beforeAll`, the file) ends. */
export async function pinnedSession(database: Database): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(database.url))
  client.on('error', () => {})
  await client.connect()
  atEnd(() => client.end())
  return client
}
