import type { ClientBase, Pool } from 'pg'
import { HookdError } from '../errors.ts'
import { prepared, statement } from '../postgres/statements.ts'
import { anyOf, run, tables } from '../postgres/tables.ts'
import { formatLsn } from '../replication/lsn.ts'
import type { DirectoryChanges, Progress } from './progress.ts'
import type { AttemptWrite, Batch, DeliveryWrite, ErrorWrite } from './writes.ts'
import { describe, readable, storable } from './writes.ts'

export interface FlushTarget {
  readonly slot: string
  readonly epoch: string
}

export interface FlushContent {
  readonly batch: Batch
  readonly progress: Progress
  readonly directory: DirectoryChanges | null
}

/** How the rows of a batch are written within the transaction of a flush. */
export type BatchWrite = (client: ClientBase, batch: Batch) => Promise<void>

/**
 * Writes a batch and the progress that follows from it in one transaction, so that a delivery is either in the ledger
 * or still owed by the slot. Throws `HOOKD_FENCED` where another process has taken the slot: then nothing is written.
 */
export async function flush(
  pool: Pool,
  target: FlushTarget,
  content: FlushContent,
  writeBatch: BatchWrite = writeWhole,
): Promise<void> {
  const client = await pool.connect()
  const ignore = (): void => undefined // what broke the connection also rejects the query
  client.on('error', ignore)
  try {
    await write(client, target, content, writeBatch)
  } catch (error) {
    client.off('error', ignore)
    client.release(true)
    throw error
  }
  client.off('error', ignore)
  client.release()
}

async function write(
  client: ClientBase,
  target: FlushTarget,
  content: FlushContent,
  writeBatch: BatchWrite,
): Promise<void> {
  const { batch, progress, directory } = content
  const isPlain = batch.deliveries.length + batch.attempts.length + batch.errors.length === 0
  if (isPlain && directory === null) return saveProgress(client, target, progress)
  await client.query('begin')
  await writeBatch(client, batch)
  if (directory !== null) await saveDirectory(client, target, directory)
  await saveProgress(client, target, progress)
  await client.query('commit')
}

async function writeWhole(client: ClientBase, batch: Batch): Promise<void> {
  await storeDeliveries(
    client,
    batch.deliveries.filter((write) => write.isNew),
  )
  await updateDeliveries(
    client,
    batch.deliveries.filter((write) => !write.isNew),
  )
  await recordAttempts(client, batch.attempts)
  await recordErrors(client, batch.errors)
}

async function saveProgress(client: ClientBase, target: FlushTarget, progress: Progress): Promise<void> {
  const { rowCount } = await client.query({
    ...prepared('save_progress'),
    values: [target.slot, target.epoch, formatLsn(progress.lsn), progress.readUpto, JSON.stringify(progress.open)],
  })
  if (rowCount === 0) {
    throw new HookdError('HOOKD_FENCED', `another process has taken the slot "${target.slot}"; this one stops sending`)
  }
}

/** Stores deliveries that the ledger does not hold yet, with the bodies that they need. */
export async function storeDeliveries(client: ClientBase, writes: readonly DeliveryWrite[]): Promise<void> {
  if (writes.length === 0) return
  const unique = new Map(writes.map(({ delivery }) => [`${delivery.message.id} ${delivery.variant}`, delivery]))
  const messages = [...unique.values()]
  await client.query(prepared('store_messages'), [
    messages.map(({ message }) => message.id),
    messages.map(({ variant }) => variant),
    messages.map(({ message }) => storable(message.event)),
    messages.map(({ contentType }) => contentType),
    messages.map(({ body }) => body),
    messages.map(({ message }) => message.table),
    messages.map(({ message }) => message.rowKeyJson),
    messages.map(({ message }) => message.op),
    messages.map(({ message }) => formatLsn(message.transaction.commitLsn)),
    messages.map(({ message }) => message.lsn),
    messages.map(({ message }) => message.ordinal),
    messages.map(({ message }) => message.transaction.xid),
    messages.map(({ message }) => message.transaction.committedAt),
    messages.map(({ message }) => message.declaredEvent),
    messages.map(({ headers }) => JSON.stringify(headers.map((text) => storable(text)))),
  ])
  await client.query(prepared('store_deliveries'), [
    writes.map(({ delivery }) => delivery.id),
    writes.map(({ delivery }) => delivery.message.id),
    writes.map(({ delivery }) => delivery.variant),
    writes.map(({ delivery }) => storable(delivery.message.event)),
    writes.map(({ delivery }) => delivery.subscriberId),
    writes.map(({ delivery }) => storable(delivery.key)),
    writes.map(({ delivery }) => storable(delivery.oldKey)),
    writes.map(({ delivery }) => formatLsn(delivery.message.transaction.commitLsn)),
    writes.map(({ delivery }) => delivery.message.lsn),
    writes.map(({ delivery }) => delivery.message.ordinal),
    writes.map(({ delivery }) => delivery.message.declaredEvent),
    ...fates(writes),
  ])
}

/** Records what became of deliveries that the ledger holds. */
export async function updateDeliveries(client: ClientBase, writes: readonly DeliveryWrite[]): Promise<void> {
  if (writes.length === 0) return
  await client.query(prepared('update_deliveries'), [
    writes.map(({ delivery }) => delivery.id),
    writes.map(({ delivery }) => delivery.replayed),
    ...fates(writes),
  ])
}

/** What became of deliveries, a list a column, in the order that both statements expect. */
function fates(writes: readonly DeliveryWrite[]): (string | number | null)[][] {
  const results = writes.map(({ result }) => describe(result))
  return [
    writes.map(({ state }) => state),
    writes.map(({ attempts }) => attempts),
    writes.map(({ nextAttemptAtMs }) => nextAttemptAtMs),
    results.map(({ status }) => status),
    results.map(({ error }) => error),
    results.map((result) => result.class),
    writes.map(({ result }) => result?.url ?? null),
    writes.map(({ batchId }) => batchId),
  ]
}

/** Adds one row a try. */
export async function recordAttempts(client: ClientBase, attempts: readonly AttemptWrite[]): Promise<void> {
  if (attempts.length === 0) return
  const results = attempts.map(({ result }) => describe(result))
  await client.query(prepared('record_attempts'), [
    attempts.map(({ deliveryId }) => deliveryId),
    attempts.map(({ replayed }) => replayed),
    attempts.map(({ attempt }) => attempt),
    attempts.map(({ result }) => result.atMs),
    attempts.map(({ result }) => result.url),
    results.map(({ status }) => status),
    results.map((result) => result.class),
    results.map(({ error }) => error),
    attempts.map(({ result }) => Math.round(result.answer.durationMs)),
    attempts.map(({ result }) => (result.answer.kind === 'response' ? result.answer.body : null)),
  ])
}

/** Adds rows of `hookd.errors`. */
export async function recordErrors(client: ClientBase, errors: readonly ErrorWrite[]): Promise<void> {
  if (errors.length === 0) return
  await client.query(prepared('record_errors'), [
    errors.map(({ id }) => id),
    errors.map(({ kind }) => kind),
    errors.map(({ event }) => storable(event)),
    errors.map(({ table }) => storable(table)),
    errors.map(({ rowKeyJson }) => rowKeyJson),
    errors.map(({ lsn }) => lsn),
    errors.map(({ subscriberId }) => subscriberId),
    errors.map(({ message }) => readable(message)),
  ])
}

async function saveDirectory(client: ClientBase, target: FlushTarget, changes: DirectoryChanges): Promise<void> {
  if (changes.saved.size > 0) {
    const rows = [...changes.saved.values()].map((row) => JSON.stringify(row))
    await client.query(statement('save_directory'), [target.slot, [...changes.saved.keys()], rows])
  }
  if (changes.removed.length > 0) {
    const ofSlot = tables.deleteFrom('hookd.directory').where('slot', '=', target.slot)
    await run(client, ofSlot.where('id', '=', anyOf(changes.removed)))
  }
}
