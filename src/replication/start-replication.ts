import { quoteIdentifier, quoteReplicationString } from '../postgres/quote.ts'
import { formatLsn } from './lsn.ts'

/** The output plugins that hookd reads. */
export type OutputPlugin = 'wal2json' | 'pgoutput'

/** A table by its two names, unquoted. */
export interface TableName {
  readonly schema: string
  readonly table: string
}

/** Options of START_REPLICATION by name. */
export type PluginOptions = Readonly<Record<string, string>>

/** Logical messages with this prefix are read; `hookd.emit()` writes them. */
const MESSAGE_PREFIX = 'hookd'

/**
 * What wal2json is asked for. `tables` are all that it sends; partitions are named one by one.
 *
 * https://github.com/eulerto/wal2json#parameters
 */
export function wal2jsonOptions(tables: readonly TableName[]): PluginOptions {
  return {
    'format-version': '2',
    'include-lsn': 'true',
    'include-xids': 'true',
    'include-timestamp': 'true',
    'include-pk': 'true',
    'include-types': 'false',
    'include-type-oids': 'true',
    'add-msg-prefixes': MESSAGE_PREFIX,
    'add-tables': tables.map(wal2jsonTable).join(','),
  }
}

/** What pgoutput is asked for: the tables are those of the publication. */
export function pgoutputOptions(publication: string): PluginOptions {
  return { proto_version: '1', publication_names: quoteIdentifier(publication), messages: 'true' }
}

/**
 * The command that starts the stream. The server begins at its own confirmed position where `startLsn` lies before it,
 * and 0n always does.
 */
export function startReplication(slot: string, startLsn: bigint, options: PluginOptions): string {
  const list = Object.entries(options).map(
    ([name, value]) => `${quoteIdentifier(name)} ${quoteReplicationString(value)}`,
  )
  const suffix = list.length > 0 ? ` (${list.join(', ')})` : ''
  return `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL ${formatLsn(startLsn)}${suffix}`
}

/** The command that makes a slot for the connection it is sent on. */
export function createTemporarySlot(slot: string, plugin: OutputPlugin): string {
  return `CREATE_REPLICATION_SLOT ${quoteIdentifier(slot)} TEMPORARY LOGICAL ${quoteIdentifier(plugin)} NOEXPORT_SNAPSHOT`
}

function wal2jsonTable({ schema, table }: TableName): string {
  return `${escapeWal2json(schema)}.${escapeWal2json(table)}`
}

function escapeWal2json(name: string): string {
  return name.replace(/[\\ ',.*]/g, '\\$&')
}
