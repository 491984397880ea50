import { randomUUID } from 'node:crypto'
import type { ClientBase, Pool } from 'pg'
import type { Delivery } from '../delivery/delivery.ts'
import { errorCode } from '../postgres/sqlstate.ts'
import type { FlushContent, FlushTarget } from './flush.ts'
import { flush, recordAttempts, recordErrors, storeDeliveries, updateDeliveries } from './flush.ts'
import type { AttemptWrite, Batch, DeliveryWrite, ErrorWrite } from './writes.ts'

/** Something that Postgres does not store, and what became of it. */
export interface Refusal {
  /** Of the delivery that is a dead letter now; null where it was something else. */
  readonly subscriberId: string | null
  /** Without values of rows. */
  readonly sentence: string
}

/** Data, constraints (of hookd's own, or added by somebody) and limits such as the size of an index row. */
const DATA_CLASSES = new Set(['22', '23', '54'])

const NO_BODY = Buffer.alloc(0)

/** Whether the same rows would be refused again, however often and whenever they are written. */
export function isDataError(error: unknown): boolean {
  const code = errorCode(error)
  return code !== null && code.length === 5 && DATA_CLASSES.has(code.slice(0, 2))
}

/**
 * Flushes a batch of which Postgres has refused something: finds the rows by halving, and stores a dead letter or an
 * error in the place of each, so that one row holds up neither the others nor the slot.
 */
export async function salvage(pool: Pool, target: FlushTarget, content: FlushContent): Promise<Refusal[]> {
  const refusals: Refusal[] = []
  await flush(pool, target, content, async (client, batch) => {
    refusals.length = 0
    await writeApart(client, batch, refusals)
  })
  return refusals
}

async function writeApart(client: ClientBase, batch: Batch, refusals: Refusal[]): Promise<void> {
  const news = batch.deliveries.filter(({ isNew }) => isNew)
  const updates = batch.deliveries.filter(({ isNew }) => !isNew)
  const burial = (store: typeof storeDeliveries) => async (write: DeliveryWrite, cause: string) => {
    const { subscriberId } = write.delivery
    const sentence = `delivery ${write.delivery.id}: ${cause}`
    refusals.push({ subscriberId, sentence })
    for (const form of deadLetters(write, cause)) {
      if ((await attempt(client, () => store(client, [form]))) === null) return
    }
    await recordErrors(client, [anError(sentence)])
  }
  const mention = (what: string) => async (cause: string) => {
    const sentence = `${what}: ${cause}`
    refusals.push({ subscriberId: null, sentence })
    await recordErrors(client, [anError(sentence)])
  }
  await each(client, news, storeDeliveries, burial(storeDeliveries))
  await each(client, updates, updateDeliveries, burial(updateDeliveries))
  await each(client, batch.attempts, recordAttempts, ({ attempt: at, deliveryId }: AttemptWrite, cause) =>
    mention(`attempt ${at} of delivery ${deliveryId}`)(cause),
  )
  await each(client, batch.errors, recordErrors, ({ id, kind }: ErrorWrite, cause) =>
    mention(`error ${id} of kind ${kind}`)(cause),
  )
}

/** Writes items together; where Postgres refuses, halves of them, down to the single ones, which `instead` gets. */
async function each<T>(
  client: ClientBase,
  items: readonly T[],
  write: (client: ClientBase, items: readonly T[]) => Promise<void>,
  instead: (item: T, cause: string) => Promise<void>,
): Promise<void> {
  if (items.length === 0) return
  const cause = await attempt(client, () => write(client, items))
  if (cause === null) return
  if (items.length === 1) return instead(items[0]!, cause)
  const middle = items.length >> 1
  await each(client, items.slice(0, middle), write, instead)
  await each(client, items.slice(middle), write, instead)
}

/** Null where it was written; else why not, and the transaction is as before. Rejects for errors of another kind. */
async function attempt(client: ClientBase, write: () => Promise<void>): Promise<string | null> {
  await client.query('savepoint hookd_salvage')
  try {
    await write()
  } catch (error) {
    if (!isDataError(error)) throw error
    await client.query('rollback to savepoint hookd_salvage')
    return causeOf(error)
  }
  await client.query('release savepoint hookd_salvage')
  return null
}

/** Not the message of Postgres, which may quote what it refuses. */
function causeOf(error: unknown): string {
  const constraint = error instanceof Error && 'constraint' in error ? error.constraint : undefined
  const by = typeof constraint === 'string' ? ` by "${constraint}"` : ''
  return `Postgres refuses to store it${by} (SQLSTATE ${errorCode(error)})`
}

/** The delivery as a dead letter that keeps nothing but its body, and without that. One that was answered 2xx stays so. */
function deadLetters(write: DeliveryWrite, reason: string): DeliveryWrite[] {
  const { delivery, state } = write
  const answer = { kind: 'failure', failure: 'unsendable', message: reason, durationMs: 0 } as const
  const form = (changed: Partial<Delivery>): DeliveryWrite => ({
    ...write,
    delivery: { ...delivery, ...changed, key: delivery.id, oldKey: null },
    state: state === 'pending' ? 'dead' : state,
    batchId: null,
    nextAttemptAtMs: null,
    result: { atMs: Date.now(), url: '', answer, outcome: { kind: 'dead', reason, disable: null } },
  })
  const message = { ...delivery.message, rowKeyJson: null }
  return [form({}), form({ message, variant: 'unsendable', body: NO_BODY, headers: [] })]
}

function anError(message: string): ErrorWrite {
  const nothing = { event: null, table: null, rowKeyJson: null, lsn: null, subscriberId: null }
  return { ...nothing, id: randomUUID(), kind: 'ledger', message }
}
