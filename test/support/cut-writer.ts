import pg from 'pg'
import type { Committed } from './workload.ts'

/**
 * One row per round, updated until the connection breaks; what was acknowledged is committed. It waits while `isAhead`, so
 * that a test can be drained in the time it has. Its session is called `writer`.
 */
export async function writeUntilCut(
  url: string,
  round: number,
  committed: Committed[],
  isAhead: () => boolean = () => false,
): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'writer' })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('insert into item values ($1, 0)', [round])
    committed.push({ op: 'insert', id: round, v: 0 })
    for (let v = 1; ; v++) {
      while (isAhead()) await client.query('select pg_sleep(0.01)')
      await client.query('update item set v = $2 where id = $1', [round, v])
      committed.push({ op: 'update', id: round, v })
    }
  } catch {
    await client.end().catch(() => {})
  }
}

/** The last statement may have been committed although its answer never came. */
export async function reconcile(url: string, round: number, committed: Committed[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ v: number }>('select v from item where id = $1', [round])
  await client.end()
  const last = committed.findLast(({ id }) => id === round)
  if (rows[0] !== undefined && rows[0].v !== last?.v) committed.push({ op: 'update', id: round, v: rows[0].v })
}
