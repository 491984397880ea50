import { parseLsn } from '../replication/lsn.ts'
import type { Delivery, Parcel } from './delivery.ts'
import { batchId } from './identity.ts'

const COMMA = Buffer.from(',')
const OPEN = Buffer.from('[')
const CLOSE = Buffer.from(']')

/**
 * One delivery as it is, or a batch: a JSON array of the bodies under an id of its own.
 *
 * A batch is in the order of the stream, so that the same deliveries make the same bytes under the same id wherever
 * they were read from: by position, then by the event's declared name as `EventIndex` sorts.
 */
export function packParcel(deliveries: readonly Delivery[], options: { isBatch: boolean; isRetry: boolean }): Parcel {
  const { isRetry } = options
  if (!options.isBatch) {
    const first = deliveries[0]!
    return { id: first.id, messageId: first.message.id, deliveries, body: first.body, isRetry, isBatch: false }
  }
  const members = deliveries.toSorted(compare)
  const id = batchId(members.map((delivery) => delivery.id))
  const parts = members.flatMap((delivery, at) => (at === 0 ? [OPEN, delivery.body] : [COMMA, delivery.body]))
  const body = Buffer.concat([...parts, CLOSE])
  return { id, messageId: `msg_${id}`, deliveries: members, body, isRetry, isBatch: true }
}

function compare(a: Delivery, b: Delivery): number {
  const [one, other] = [a.message, b.message]
  return (
    sign(one.transaction.commitLsn, other.transaction.commitLsn) ||
    (one.lsn === other.lsn ? 0 : sign(parseLsn(one.lsn), parseLsn(other.lsn))) ||
    one.ordinal - other.ordinal ||
    sign(one.declaredEvent, other.declaredEvent) ||
    sign(a.id, b.id)
  )
}

function sign<T extends bigint | string>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
