import type pg from 'pg'
import { parseLsn } from './lsn.ts'

/** How far the server has written its WAL. */
export async function readWalEnd(client: pg.ClientBase | pg.Pool): Promise<bigint> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn')
  return parseLsn(rows[0]!.lsn)
}
