/**
 * The least program that does what hookd does when nothing goes wrong: reads the slot with the same library and its stock
 * plugins, signs, POSTs with undici, acknowledges. No retry, no order, no spill, no conditions, no subscribers table.
 *
 *     node bench/bare.ts '{"databaseUrl":…,"plugin":…,"slot":…,"targets":[…]}'
 */
import { createHmac, randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin, Wal2JsonPlugin } from 'pg-logical-replication'
import { Pool } from 'undici'
import type { BareOptions } from './bare-options.ts'

/** Changes beyond this many deliveries in flight or waiting stay in the socket. */
const MOST_WAITING = 2000
const ACKNOWLEDGE_EVERY_MS = 500
const EVENT = 'article.created'
/** Of the tables whose changes are sent; the slot brings hookd's subscribers too. */
const SCHEMA = 'public'

interface Target {
  readonly id: string
  readonly secret: string
  readonly pool: Pool
}

/** One transaction that is not acknowledged yet. */
interface Open {
  lsn: string | null
  pending: number
}

interface Row {
  readonly op: string
  readonly table: string
  readonly key: Record<string, unknown>
  readonly data: Record<string, unknown>
}

const options = JSON.parse(process.argv[2]!) as BareOptions
const targets: Target[] = options.targets.map(({ url, id, secret }) => ({
  id,
  secret,
  pool: new Pool(new URL(url).origin, { connections: options.connections }),
}))
const socket = new Socket()
const open: Open[] = []
let current: Open = { lsn: null, pending: 0 }
let waiting = 0
let settled: string | null = null
let sequence = 0

function begin(): void {
  current = { lsn: null, pending: 0 }
  open.push(current)
}

function commit(lsn: string): void {
  current.lsn = lsn
  settle()
}

function settle(): void {
  while (open[0]?.pending === 0 && open[0].lsn !== null) settled = open.shift()!.lsn
}

function deliver(row: Row, at: { committedAt: string; lsn: string; xid: number }): void {
  const id = `msg_${(++sequence).toString(16).padStart(32, '0')}`
  const body = JSON.stringify({
    event: EVENT,
    ref: null,
    sender: null,
    data: row.data,
    meta: { id, op: row.op, table: row.table, key: row.key, committed_at: at.committedAt, lsn: at.lsn, xid: at.xid },
  })
  const of = current
  for (const target of targets) {
    of.pending++
    waiting++
    void send(target, id, body).then(() => {
      of.pending--
      waiting--
      settle()
      if (waiting < MOST_WAITING / 2 && socket.isPaused()) socket.resume()
    })
  }
  if (waiting >= MOST_WAITING) socket.pause()
}

async function send({ id: subscription, secret, pool }: Target, id: string, body: string): Promise<void> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const headers = {
    'Content-Type': 'application/json',
    'User-Agent': 'bare/0.1.0',
    'Hook-Event': EVENT,
    'Hook-Delivery': randomUUID(),
    'Hook-Subscription': subscription,
    'Hook-HMAC': createHmac('sha256', secret).update(body).digest('base64'),
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('base64')}`,
    'Accept-Encoding': 'identity',
  }
  const answer = await pool.request({ path: '/', method: 'POST', headers, body })
  await answer.body.dump()
  if (answer.statusCode >= 300) throw new Error(`the endpoint answered ${answer.statusCode}`)
}

interface Wal2JsonMessage {
  readonly action: 'B' | 'C' | 'I' | 'U' | 'D' | 'T' | 'M'
  readonly xid: number
  readonly lsn: string
  readonly nextlsn?: string
  readonly timestamp: string
  readonly schema: string
  readonly table: string
  readonly columns: { name: string; value: unknown }[]
  readonly pk: { name: string }[]
}

const OPERATIONS = { I: 'insert', U: 'update' } as const

function onWal2Json(lsn: string, message: Wal2JsonMessage): void {
  if (message.action === 'B') return begin()
  if (message.action === 'C') return commit(message.nextlsn ?? lsn)
  if ((message.action !== 'I' && message.action !== 'U') || message.schema !== SCHEMA) return
  const data: Record<string, unknown> = {}
  for (const { name, value } of message.columns) data[name] = value
  const key: Record<string, unknown> = {}
  for (const { name } of message.pk) key[name] = data[name]
  const op = OPERATIONS[message.action]
  const committedAt = message.timestamp.replace(' ', 'T').replace(/\+00$/, 'Z')
  deliver(
    { op, table: `${message.schema}.${message.table}`, key, data },
    { committedAt, lsn: message.lsn, xid: message.xid },
  )
}

let committedAt = ''
let xid = 0

function onPgoutput(lsn: string, message: Pgoutput.Message): void {
  if (message.tag === 'begin') {
    committedAt = isoTime(message.commitTime as bigint)
    xid = message.xid
    begin()
  } else if (message.tag === 'commit') {
    commit(message.commitEndLsn ?? lsn)
  } else if (message.tag === 'insert' || message.tag === 'update') {
    const { schema, name, keyColumns } = message.relation
    if (schema !== SCHEMA) return
    const key: Record<string, unknown> = {}
    for (const column of keyColumns) key[column] = message.new[column] as unknown
    deliver({ op: message.tag, table: `${schema}.${name}`, key, data: message.new }, { committedAt, lsn, xid })
  }
}

/** Microseconds since 1970 -> `2026-01-13T23:12:52.205785Z`. */
function isoTime(us: bigint): string {
  const micros = String(us % 1000n).padStart(3, '0')
  return new Date(Number(us / 1000n)).toISOString().replace('Z', `${micros}Z`)
}

const service = new LogicalReplicationService(
  { connectionString: options.databaseUrl, stream: () => socket, options: '-c DateStyle=ISO -c TimeZone=UTC' },
  { acknowledge: { auto: false, timeoutSeconds: 0 } },
)
service.on('heartbeat', (_lsn, _time, isAsked) => {
  if (isAsked && settled !== null) void service.acknowledge(settled)
})
setInterval(() => {
  if (settled !== null) void service.acknowledge(settled)
}, ACKNOWLEDGE_EVERY_MS)

if (options.plugin === 'wal2json') {
  service.on('data', onWal2Json)
  const plugin = new Wal2JsonPlugin({
    formatVersion: '2',
    includeLsn: true,
    includeXids: true,
    includeTimestamp: true,
    includePk: true,
    includeTypes: false,
    includeTypeOids: true,
    addMsgPrefixes: 'hookd',
    addTables: options.tables,
  })
  await service.subscribe(plugin, options.slot)
} else {
  service.on('data', onPgoutput)
  const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: [options.publication], messages: true })
  await service.subscribe(plugin, options.slot)
}
