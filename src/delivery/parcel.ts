import type { Delivery, Parcel } from './delivery.ts'
import { batchId } from './identity.ts'

const COMMA = Buffer.from(',')
const OPEN = Buffer.from('[')
const CLOSE = Buffer.from(']')

/** One delivery as it is, or a batch: a JSON array of the bodies under an id of its own. */
export function packParcel(deliveries: readonly Delivery[], options: { isBatch: boolean; isRetry: boolean }): Parcel {
  const first = deliveries[0]!
  const { isRetry } = options
  if (!options.isBatch) {
    return { id: first.id, messageId: first.message.id, deliveries, body: first.body, isRetry, isBatch: false }
  }
  const id = batchId(deliveries.map((delivery) => delivery.id))
  const parts = deliveries.flatMap((delivery, at) => (at === 0 ? [OPEN, delivery.body] : [COMMA, delivery.body]))
  return { id, messageId: `msg_${id}`, deliveries, body: Buffer.concat([...parts, CLOSE]), isRetry, isBatch: true }
}
