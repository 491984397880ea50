import { parseLsn } from '../../src/replication/lsn.ts'
import { SlotStream, type SlotSink, type SlotStreamOptions } from '../../src/replication/slot-stream.ts'
import type { SlotState } from '../../src/replication/slot.ts'
import { pgoutputOptions, wal2jsonOptions, type TableName } from '../../src/replication/start-replication.ts'
import { atEnd } from './at-end.ts'
import { pluginOf, type Database, type Plugin, type ServerKind } from './postgres.ts'
import { waitFor } from './wait.ts'

/** Which plugin on which server: pgoutput also on the server that has wal2json. */
export const STREAMS: readonly (readonly [kind: ServerKind, plugin: Plugin])[] = [
  ['pg15', 'wal2json'],
  ['pg15', 'pgoutput'],
  ['pg18', 'pgoutput'],
]

/** A message of the plugin, as far as a test of the transport has to understand it. */
export interface Message {
  readonly kind: 'begin' | 'commit' | 'change'
  /** All of it, bytes taken as Latin-1. */
  readonly text: string
  /** Of a commit. */
  readonly endLsn: bigint | null
}

export interface OpenStream {
  readonly stream: SlotStream
  readonly messages: readonly Message[]
  readonly keepalives: readonly { readonly walEnd: bigint; readonly isAsked: boolean }[]
  readonly slots: readonly SlotState[]
  shutdowns(): number
  commits(): readonly bigint[]
  /** Settles as `run()` does. */
  readonly done: Promise<void>
  /** Aborts and waits for the end. */
  stop(): Promise<void>
  /** Waits until the text came in a message. */
  saw(text: string): Promise<void>
  /** Waits until the server was asked about the slot so many more times. */
  ticks(count: number): Promise<void>
}

export interface OpenOptions extends Partial<SlotStreamOptions> {
  readonly plugin?: Plugin
  readonly tables?: readonly TableName[]
  readonly sink?: Partial<SlotSink>
  /** A test that expects the stream to fail awaits `done` itself. */
  readonly publication?: string
}

/** Creates the slot `name` of a database, and for pgoutput the publication of all tables, through SQL. */
export async function createTestSlot(db: Database, name: string, plugin: Plugin = pluginOf(db.kind)): Promise<void> {
  if (plugin === 'pgoutput') await db.query('create publication hookd_test for all tables')
  await db.query('select pg_create_logical_replication_slot($1, $2)', [name, plugin])
}

/** Streams a slot and records everything; ends with the test. */
export function openStream(db: Database, slot: string, options: OpenOptions = {}): OpenStream {
  const { plugin = pluginOf(db.kind), tables = [], sink = {}, publication = 'hookd_test', ...rest } = options
  const messages: Message[] = []
  const keepalives: { walEnd: bigint; isAsked: boolean }[] = []
  const slots: SlotState[] = []
  let shutdowns = 0
  const { 'add-tables': filter, ...unfiltered } = wal2jsonOptions(tables)
  const wal2json = tables.length > 0 ? { ...unfiltered, 'add-tables': filter! } : unfiltered
  const stream = new SlotStream(
    {
      databaseUrl: db.url,
      slot,
      startLsn: 0n,
      pluginOptions: plugin === 'wal2json' ? wal2json : pgoutputOptions(publication),
      walSenderTimeoutMs: 2000,
      statusIntervalMs: 100,
      ...rest,
    },
    {
      onMessage(message, lsn) {
        sink.onMessage?.(message, lsn)
        messages.push(readMessage(plugin, message))
      },
      onKeepalive(walEnd, isAsked) {
        sink.onKeepalive?.(walEnd, isAsked)
        keepalives.push({ walEnd, isAsked })
      },
      onShutdown() {
        sink.onShutdown?.()
        shutdowns += 1
      },
      onSlot(state) {
        slots.push(state)
      },
      ...(sink.onNotice && { onNotice: sink.onNotice.bind(sink) }),
    },
  )
  const abort = new AbortController()
  const done = stream.run(abort.signal)
  done.catch(() => {})
  const stop = async () => {
    abort.abort()
    await done
  }
  atEnd(() => stop().catch(() => {}))
  return {
    stream,
    messages,
    keepalives,
    slots,
    shutdowns: () => shutdowns,
    commits: () => messages.map(({ endLsn }) => endLsn).filter((endLsn) => endLsn !== null),
    done,
    stop,
    async saw(text) {
      let looked = 0
      const isThere = (): boolean => {
        const fresh = messages.slice(looked)
        looked = messages.length
        return fresh.some((message) => message.text.includes(text))
      }
      await unlessEnded(done, isThere, `a message with ${text}`)
    },
    async ticks(count) {
      const wanted = slots.length + count
      await unlessEnded(done, () => slots.length >= wanted, `${wanted} answers about the slot`)
    },
  }
}

async function unlessEnded(done: Promise<void>, fact: () => boolean, what: string): Promise<void> {
  const ended = done.then(() => Promise.reject(new Error(`the stream ended before ${what}`)))
  await Promise.race([ended, waitFor(fact, { what, timeoutMs: 50_000 })])
}

function readMessage(plugin: Plugin, message: Buffer): Message {
  const text = message.toString('latin1')
  const action = plugin === 'wal2json' ? text['{"action":"'.length] : text[0]
  if (action === 'B') return { kind: 'begin', text, endLsn: null }
  if (action !== 'C') return { kind: 'change', text, endLsn: null }
  const endLsn =
    plugin === 'wal2json'
      ? parseLsn((JSON.parse(text) as { nextlsn: string }).nextlsn)
      : message.readBigUInt64BE(1 + 1 + 8)
  return { kind: 'commit', text, endLsn }
}
