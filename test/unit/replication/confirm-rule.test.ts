import { expect, test } from 'vitest'
import { ConfirmRule } from '../../../src/replication/confirm-rule.ts'

/** A committed transaction with so many open deliveries. */
function transaction(rule: ConfirmRule, endLsn: bigint, deliveries = 0) {
  const token = rule.begin()
  for (let i = 0; i < deliveries; i++) token.open()
  rule.commit(token, endLsn)
  return token
}

test('before the first transaction the start may be confirmed', () => {
  expect(new ConfirmRule(100n).confirmable).toBe(100n)
})

test('a transaction that concerns nobody may be confirmed when it is read', () => {
  const rule = new ConfirmRule(0n)
  transaction(rule, 200n)
  expect(rule.confirmable).toBe(200n)
})

test('a transaction is not confirmed before its last delivery is settled', () => {
  const rule = new ConfirmRule(0n)
  const token = transaction(rule, 200n, 2)
  token.settle()
  expect(rule.confirmable).toBe(0n)
  token.settle()
  expect(rule.confirmable).toBe(200n)
})

test('a transaction is not confirmed before its end is read, even if all that was read of it is settled', () => {
  const rule = new ConfirmRule(0n)
  const token = rule.begin()
  token.open()
  token.settle()
  expect(rule.confirmable).toBe(0n)
  token.open()
  rule.commit(token, 200n)
  expect(rule.confirmable).toBe(0n)
  token.settle()
  expect(rule.confirmable).toBe(200n)
})

test('an unsettled transaction holds back those behind it', () => {
  const rule = new ConfirmRule(0n)
  const first = transaction(rule, 200n, 1)
  const second = transaction(rule, 300n, 1)
  transaction(rule, 400n)
  second.settle()
  expect(rule.confirmable).toBe(0n)
  first.settle()
  expect(rule.confirmable).toBe(400n)
})

test('a settled transaction is confirmed although one behind it is not settled', () => {
  const rule = new ConfirmRule(0n)
  const first = transaction(rule, 200n, 1)
  transaction(rule, 300n, 1)
  first.settle()
  expect(rule.confirmable).toBe(200n)
})

test('the confirmed position never goes back', () => {
  const rule = new ConfirmRule(500n)
  transaction(rule, 200n)
  rule.idle(300n)
  expect(rule.confirmable).toBe(500n)
})

test('an idle stream may confirm the end of the WAL', () => {
  const rule = new ConfirmRule(100n)
  transaction(rule, 200n)
  rule.idle(900n)
  expect(rule.confirmable).toBe(900n)
})

test('the end of the WAL is not confirmed while a delivery is unsettled', () => {
  const rule = new ConfirmRule(100n)
  const token = transaction(rule, 200n, 1)
  rule.idle(900n)
  expect(rule.confirmable).toBe(100n)
  token.settle()
  expect(rule.confirmable).toBe(200n)
})

test('the end of the WAL is not confirmed while a transaction is being read', () => {
  const rule = new ConfirmRule(100n)
  rule.begin()
  rule.idle(900n)
  expect(rule.confirmable).toBe(100n)
  expect(rule.isIdle).toBe(false)
})

test('a delivery that is settled twice is a bug, not a confirmation', () => {
  const rule = new ConfirmRule(0n)
  const token = transaction(rule, 200n, 1)
  token.settle()
  expect(() => token.settle()).toThrow('settled more deliveries than it had')
})

test('a transaction that begins inside another one is a bug', () => {
  const rule = new ConfirmRule(0n)
  rule.begin()
  expect(() => rule.begin()).toThrow('before the one ahead of it was committed')
})

test('a transaction that is committed twice is a bug', () => {
  const rule = new ConfirmRule(0n)
  const token = transaction(rule, 200n, 1)
  expect(() => rule.commit(token, 300n)).toThrow('committed twice')
})

test('whatever the order in which deliveries are settled, the confirmed position is the end of the settled prefix', () => {
  let seed = 42
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below
  const rule = new ConfirmRule(0n)
  const open: { index: number; settle(): void }[] = []
  const unsettled: number[] = []
  for (let index = 0; index < 2000; index++) {
    unsettled[index] = random(4)
    const token = transaction(rule, BigInt(index + 1), unsettled[index])
    for (let i = 0; i < unsettled[index]!; i++) open.push({ index, settle: () => token.settle() })
    while (open.length > 0 && random(3) > 0) {
      const [one] = open.splice(random(open.length), 1)
      one!.settle()
      unsettled[one!.index]! -= 1
      const prefix = unsettled.findIndex((count) => count > 0)
      expect(rule.confirmable).toBe(BigInt(prefix === -1 ? unsettled.length : prefix))
    }
  }
})

test('a million transactions behind an unsettled one cost about as much as they would in front of it', () => {
  const rule = new ConfirmRule(0n)
  const first = transaction(rule, 1n, 1)
  for (let lsn = 2n; lsn <= 1_000_000n; lsn++) transaction(rule, lsn, 1).settle()
  expect(rule.confirmable).toBe(0n)
  first.settle()
  expect(rule.confirmable).toBe(1_000_000n)
})
