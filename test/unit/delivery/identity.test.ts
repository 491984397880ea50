import { expect, test } from 'vitest'
import { type MessageIdentity, batchId, deliveryId, messageId } from '../../../src/delivery/identity.ts'

const IDENTITY: MessageIdentity = {
  systemId: '7312345678901234567',
  xid: 7421,
  committedAt: '2026-01-13T23:12:52.205785Z',
  lsn: '0/1A2B3C8',
  ordinal: 0,
  event: 'article.published',
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('a message id never changes: receivers and ledgers of older versions know it', () => {
  expect(messageId(IDENTITY)).toBe('msg_39efebbee7182776bb22d4ac93e9462a')
})

test.each([
  [{ systemId: '7312345678901234568' }],
  [{ xid: 7422 }],
  [{ committedAt: '2026-01-13T23:12:52.205786Z' }],
  [{ lsn: '0/1A2B3C9' }],
  [{ ordinal: 1 }],
  [{ event: 'article.created' }],
  [{ event: 'article.published\n0' }],
])('two messages that differ in %j have different ids', (difference) => {
  expect(messageId({ ...IDENTITY, ...difference })).not.toBe(messageId(IDENTITY))
})

test('digits that move from one field to the next give another id', () => {
  const left = messageId({ ...IDENTITY, xid: 12, ordinal: 3, systemId: '1' })
  const right = messageId({ ...IDENTITY, xid: 2, ordinal: 3, systemId: '11' })
  expect(left).not.toBe(right)
})

test('every row of a COPY has its own id under one LSN', () => {
  const ids = new Set(Array.from({ length: 10_000 }, (_, ordinal) => messageId({ ...IDENTITY, ordinal })))
  expect(ids.size).toBe(10_000)
})

test('a delivery id is a version 8 UUID of message and subscriber, and never changes', () => {
  const id = deliveryId('msg_39efebbee7182776bb22d4ac93e9462a', '0b6cf4f6-3f65-4a5c-9d2b-2a1f6f7c9a11')
  expect(id).toBe('9ae7fd01-2fb0-8977-8a87-635cbf2267e5')
  expect(id).toMatch(UUID)
})

test('deliveries of one message, and of one subscriber, have different ids', () => {
  const messages = Array.from({ length: 100 }, (_, ordinal) => messageId({ ...IDENTITY, ordinal }))
  const subscribers = Array.from({ length: 100 }, (_, at) => `0b6cf4f6-3f65-4a5c-9d2b-${String(at).padStart(12, '0')}`)
  const ids = messages.flatMap((message) => subscribers.map((subscriber) => deliveryId(message, subscriber)))
  expect(new Set(ids).size).toBe(10_000)
})

test('delivery ids have the right version and variant whatever the hash', () => {
  for (let ordinal = 0; ordinal < 1000; ordinal++) {
    expect(deliveryId(messageId({ ...IDENTITY, ordinal }), 'x')).toMatch(UUID)
  }
})

test('what is no message id has no deliveries', () => {
  expect(() => deliveryId('msg_1', 'x')).toThrow(TypeError)
})

test('a batch id depends on its deliveries and their order', () => {
  expect(batchId(['a', 'b'])).toMatch(UUID)
  expect(batchId(['a', 'b'])).toBe(batchId(['a', 'b']))
  expect(batchId(['a', 'b'])).not.toBe(batchId(['b', 'a']))
})
