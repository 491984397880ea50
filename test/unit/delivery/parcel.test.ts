import { expect, test } from 'vitest'
import type { Delivery } from '../../../src/delivery/delivery.ts'
import { batchId } from '../../../src/delivery/identity.ts'
import { packParcel } from '../../../src/delivery/parcel.ts'
import { deliveryOf } from './world.ts'

test('one delivery travels under its own id, with its own bytes', () => {
  const delivery = deliveryOf({ at: 1, key: 'a', oldKey: null })
  expect(packParcel([delivery], { isBatch: false, isRetry: true })).toEqual({
    id: delivery.id,
    messageId: 'm1',
    deliveries: [delivery],
    body: delivery.body,
    isRetry: true,
    isBatch: false,
  })
})

test('a batch is a JSON array in the order of the stream, the same in whatever order its members come', () => {
  const members = [
    aMember('b', { commitLsn: 1n, lsn: '0/9', ordinal: 0 }),
    aMember('a', { commitLsn: 1n, lsn: '0/A', ordinal: 2 }),
    aMember('d', { commitLsn: 1n, lsn: '0/A', ordinal: 10 }),
    aMember('e', { commitLsn: 1n, lsn: '0/A', ordinal: 10 }),
    aMember('c', { commitLsn: 1n, lsn: '1/0', ordinal: 0 }),
    aMember('f', { commitLsn: 2n, lsn: '0/1', ordinal: 0 }),
  ]
  const options = { isBatch: true, isRetry: false }
  const parcel = packParcel(members, options)
  const id = batchId(['b', 'a', 'd', 'e', 'c', 'f'])
  expect([parcel.id, parcel.messageId]).toEqual([id, `msg_${id}`])
  expect(parcel.body.toString()).toBe('["b","a","d","e","c","f"]')
  expect(packParcel(members.toReversed(), options)).toEqual(parcel)
})

test('events of one change are in a batch in the order of their names by code unit', () => {
  const place = { commitLsn: 1n, lsn: '0/A', ordinal: 0 }
  const members = [
    aMember('b', { ...place, declaredEvent: 'item.published' }),
    aMember('c', { ...place, declaredEvent: 'item.created' }),
    aMember('a', { ...place, declaredEvent: 'item.created.again' }),
    aMember('d', { ...place, declaredEvent: 'item.Created' }),
    aMember('z', { ...place, lsn: '0/9', declaredEvent: 'item.removed' }),
  ]
  const parcel = packParcel(members, { isBatch: true, isRetry: true })
  expect(parcel.body.toString()).toBe('["z","d","c","a","b"]')
  expect(parcel.id).toBe(batchId(['z', 'd', 'c', 'a', 'b']))
})

test('a batch of one is an array too', () => {
  const parcel = packParcel([aMember('a', { commitLsn: 1n, lsn: '0/1', ordinal: 0 })], {
    isBatch: true,
    isRetry: false,
  })
  expect(parcel.body.toString()).toBe('["a"]')
  expect(parcel.id).not.toBe('a')
})

function aMember(
  id: string,
  { commitLsn, ...place }: { commitLsn: bigint; lsn: string; ordinal: number; declaredEvent?: string },
): Delivery {
  const delivery = deliveryOf({ at: 1, key: 'a', oldKey: null })
  const transaction = { ...delivery.message.transaction, commitLsn }
  return {
    ...delivery,
    id,
    body: Buffer.from(JSON.stringify(id)),
    message: { ...delivery.message, transaction, ...place },
  }
}
