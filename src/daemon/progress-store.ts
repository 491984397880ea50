import { hostname } from 'node:os'
import type { ClientBase, Pool } from 'pg'
import type { OpenDeliveries } from '../ledger/progress.ts'
import { withPooled } from '../postgres/connect.ts'
import { statement } from '../postgres/statements.ts'
import { run, tables } from '../postgres/tables.ts'
import { formatLsn, parseLsn } from '../replication/lsn.ts'
import { parsePosition } from '../replication/position.ts'
import { undoneBy } from '../replication/start-position.ts'
import type { ServerPosition, StoredPosition } from '../replication/start-position.ts'
import type { OutputPlugin } from '../replication/start-replication.ts'
import type { SubscriberRow } from '../subscriptions/parse-subscriber.ts'
import type { TakenSlot } from './session-ports.ts'

type Queryable = ClientBase | Pool

/** What is known of a slot from earlier runs; null where it was never read. */
export async function readStored(client: Queryable, slot: string): Promise<StoredPosition | null> {
  const query = tables
    .selectFrom('hookd.progress')
    .select(['system_id', 'timeline', 'lsn', 'confirm_limit'])
    .where('slot', '=', slot)
    .where('lsn', 'is not', null)
    .$narrowType<{ lsn: string; confirm_limit: string }>()
  const [row] = await run(client, query)
  if (row === undefined) return null
  const { system_id: systemId, timeline } = row
  return { systemId, timeline, lsn: parseLsn(row.lsn), confirmLimit: parseLsn(row.confirm_limit) }
}

/** Notes where a new slot begins, and who was subscribed at that point: `snapshot` sees the database as of then. */
export async function startProgress(
  client: Queryable,
  snapshot: Queryable,
  at: { slot: string; plugin: OutputPlugin; server: ServerPosition; lsn: bigint },
): Promise<void> {
  const rows = await readSubscribers(snapshot)
  await run(client, tables.deleteFrom('hookd.directory').where('slot', '=', at.slot))
  await client.query(statement('save_directory'), [
    at.slot,
    rows.map((row) => row['id']),
    rows.map((row) => JSON.stringify(row)),
  ])
  const { systemId, timeline } = at.server
  await client.query(statement('start_progress'), [at.slot, systemId, timeline, at.plugin, formatLsn(at.lsn)])
}

/** Where a slot is read from, and on which server. */
interface SlotStart {
  readonly slot: string
  readonly server: ServerPosition
  readonly startLsn: bigint
}

interface TakenRow {
  readonly epoch: string
  readonly lsn: string
  readonly read_upto: string | null
  readonly open: Record<string, OpenDeliveries> | null
  readonly timeline_before: number
}

/**
 * Takes the slot over: from now on the writes of whoever had it before are refused. What was recorded on a timeline, and
 * beyond the point where the server left it, is forgotten.
 */
export async function takeSlot(pool: Pool, { slot, server, startLsn }: SlotStart): Promise<TakenSlot> {
  const { row, undone } = await withPooled(pool, async (client) => {
    await client.query('begin')
    const me = `${hostname()}:${process.pid}`
    const { rows } = await client.query<TakenRow>(statement('take_slot'), [slot, me, server.timeline])
    const taken = rows[0]
    if (taken === undefined) throw new Error(`hookd.progress has no row for slot "${slot}"`)
    const lost = undoneBy(server, taken.timeline_before, furthest(taken))
    if (lost !== null) await client.query(statement('rewind_progress'), [slot, taken.epoch, formatLsn(startLsn)])
    await client.query('commit')
    return { row: taken, undone: lost }
  })
  const directory = await run(pool, tables.selectFrom('hookd.directory').select('row').where('slot', '=', slot))
  return {
    slot,
    systemId: server.systemId,
    timeline: server.timeline,
    epoch: row.epoch,
    ...(undone === null
      ? { lsn: parseLsn(row.lsn), readUpto: row.read_upto, open: row.open ?? {} }
      : { lsn: startLsn, readUpto: null, open: {} }),
    directory: directory.map(({ row: saved }) => saved as SubscriberRow),
    undone,
  }
}

/** How far a record reaches: everything before its position, and the transaction that was being dispatched. */
function furthest({ lsn, read_upto: readUpto }: TakenRow): bigint {
  const settled = parseLsn(lsn)
  const read = readUpto === null ? 0n : parsePosition(readUpto).commitLsn + 1n
  return read > settled ? read : settled
}

/** Stands for a slot that leaves no record: it begins now, with the subscribers that there are now. */
export async function readCurrent(
  client: Queryable,
  { slot, server }: { slot: string; server: ServerPosition },
): Promise<TakenSlot> {
  const directory = await readSubscribers(client)
  const { systemId, timeline, walEnd: lsn } = server
  return { slot, systemId, timeline, epoch: '0', lsn, readUpto: null, open: {}, directory, undone: null }
}

/** Whether nobody has taken the slot since `epoch`. */
export async function isOurs(client: Queryable, slot: string, epoch: string): Promise<boolean> {
  const query = tables.selectFrom('hookd.progress').select('slot').where('slot', '=', slot).where('epoch', '=', epoch)
  return (await run(client, query)).length === 1
}

/** Every subscriber as its columns' text forms, the same as the stream gives them. */
async function readSubscribers(client: Queryable): Promise<SubscriberRow[]> {
  const columns = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = 'hookd.subscribers'::regclass and attnum > 0 and not attisdropped order by attnum`,
  )
  const names = columns.rows.map(({ name }) => name)
  const list = names.map((name) => `"${name}"::text`).join(', ')
  const { rows } = await client.query<(string | null)[]>({
    text: `select ${list} from hookd.subscribers`,
    rowMode: 'array',
  })
  return rows.map((cells) => Object.fromEntries(names.map((name, at) => [name, cells[at] ?? null])))
}
