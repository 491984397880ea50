import type pg from 'pg'
import type { Change, StreamSink, Transaction } from '../../src/replication/change.ts'
import type { Decoder } from '../../src/replication/decoder.ts'
import { PgoutputDecoder } from '../../src/replication/pgoutput.ts'
import { pgoutputOptions, wal2jsonOptions } from '../../src/replication/start-replication.ts'
import { Wal2jsonDecoder } from '../../src/replication/wal2json.ts'
import type { Catalog } from '../../src/postgres/catalog.ts'
import type { Plugin } from './postgres.ts'

/** Keeps all that a decoder reports, in order. */
export class RecordingSink implements StreamSink {
  readonly changes: Change[] = []
  readonly begun: Transaction[] = []
  readonly committed: { readonly transaction: Transaction; readonly endLsn: bigint }[] = []

  begin(transaction: Transaction): void {
    this.begun.push(transaction)
  }

  change(change: Change): void {
    this.changes.push(change)
  }

  commit(transaction: Transaction, endLsn: bigint): void {
    this.committed.push({ transaction, endLsn })
  }
}

export const LIMITS = { maxCellBytes: 1_048_576, maxMessageBytes: 8_388_608 }

/** Makes the decoder of a plugin over a catalog that does not change. */
export function decoderOf(plugin: Plugin, sink: StreamSink, catalog: Catalog, limits = LIMITS): Decoder {
  const lookup = { table: (name: string) => catalog.tables.get(name) }
  return plugin === 'wal2json' ? new Wal2jsonDecoder(sink, lookup, limits) : new PgoutputDecoder(sink, lookup, limits)
}

const PUBLICATION = 'everything'

/**
 * Creates a slot for each plugin, all at one point of the stream, and a publication of all tables: since PostgreSQL 18 it
 * must have the generated columns of a replica identity, or updates are refused.
 */
export async function createSlots(client: pg.Client, slots: ReadonlyMap<Plugin, string>): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  const options = rows[0]!.version >= 180_000 ? 'with (publish_generated_columns = stored)' : ''
  await client.query(`create publication ${PUBLICATION} for all tables ${options}`)
  for (const [plugin, slot] of slots)
    await client.query('select pg_create_logical_replication_slot($1, $2)', [slot, plugin])
}

/** A message of the plugin, as a walsender would send it. */
export interface SlotMessage {
  readonly lsn: string
  readonly data: Buffer
}

/** What hookd asks the plugin for, but for the choice of tables. */
export function pluginOptions(plugin: Plugin): Record<string, string> {
  if (plugin === 'pgoutput') return { ...pgoutputOptions(PUBLICATION) }
  const { 'add-tables': _, ...options } = wal2jsonOptions([])
  return options
}

/** Takes everything from a slot through SQL; the session's settings are those of a walsender that hookd starts. */
export async function readSlotMessages(client: pg.Client, plugin: Plugin, slot: string): Promise<SlotMessage[]> {
  const read = plugin === 'wal2json' ? 'pg_logical_slot_get_changes' : 'pg_logical_slot_get_binary_changes'
  const { rows } = await client.query<{ lsn: string; data: Buffer | string }>(
    `select lsn::text, data from ${read}($1, null, null, variadic $2::text[])`,
    [slot, Object.entries(pluginOptions(plugin)).flat()],
  )
  return rows.map(({ lsn, data }) => ({ lsn, data: typeof data === 'string' ? Buffer.from(data) : data }))
}
