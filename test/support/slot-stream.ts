import type { Connection, Client } from 'pg'
import pg from 'pg'
import { replicationConfig } from '../../src/postgres/connect.ts'
import { formatLsn, parseLsn } from '../../src/replication/lsn.ts'
import { startReplication } from '../../src/replication/start-replication.ts'
import type { Database, Plugin } from './postgres.ts'
import { waitFor } from './wait.ts'
import { pluginOptions, type SlotMessage } from './slot-changes.ts'

/** What a walsender sends, in its order. */
export type Received = ({ readonly kind: 'message' } & SlotMessage) | { readonly kind: 'notice'; readonly text: string }

const XLOG_DATA = 0x77
const XLOG_DATA_HEADER = 25
const KEEPALIVE = 0x6b

/** Reads a slot over the replication protocol, up to the present end of the WAL, and confirms nothing. */
export async function streamSlot(
  database: Database,
  slot: { readonly plugin: Plugin; readonly name: string; readonly settings?: Record<string, string> },
): Promise<Received[]> {
  const [{ target }] = await database.query('select pg_current_wal_flush_lsn()::text as target')
  const client = new pg.Client(replicationConfig(database.url, { settings: slot.settings ?? {} }))
  client.on('error', () => {})
  await client.connect()
  const received: Received[] = []
  const { connection } = client as Client & { readonly connection: Connection }
  await new Promise<void>((resolve, reject) => {
    connection.on('notice', (notice: { message?: string }) => {
      received.push({ kind: 'notice', text: notice.message ?? '' })
    })
    connection.on('copyData', ({ chunk }: { chunk: Buffer }) => {
      if (chunk[0] === XLOG_DATA) {
        const lsn = formatLsn(chunk.readBigUInt64BE(1))
        received.push({ kind: 'message', lsn, data: Buffer.from(chunk.subarray(XLOG_DATA_HEADER)) })
      } else if (chunk[0] === KEEPALIVE && chunk.readBigUInt64BE(1) >= parseLsn(target as string)) resolve()
    })
    client.query(startReplication(slot.name, 0n, pluginOptions(slot.plugin))).catch(reject)
  })
  connection.stream.destroy()
  await waitFor(
    async () => {
      const [{ active }] = await database.query('select active from pg_replication_slots where slot_name = $1', [
        slot.name,
      ])
      return !active
    },
    { what: `the slot ${slot.name} to be released` },
  )
  return received
}
