import { describe, expect, test } from 'vitest'
import type { Change, Position, Relation, Transaction } from '../../../src/replication/change.ts'
import { ConfirmRule } from '../../../src/replication/confirm-rule.ts'
import type { ConfirmToken } from '../../../src/replication/confirm-rule.ts'
import { comparePositions } from '../../../src/replication/position.ts'
import { StreamReader } from '../../../src/replication/stream-reader.ts'

/** `B5` begins transaction 5, `a3` is its change at LSN 3 (`a3.1`: ordinal 1), `s3` one of hookd.subscribers, `C` commits. */
function play(script: string, readUpto: Position | null = null, settledUpTo = 0n) {
  const passed: string[] = []
  const committed: string[] = []
  const rule = new ConfirmRule(0n)
  const reader = new StreamReader<ConfirmToken>(
    {
      confirmRule: rule,
      dispatch: (change, _token, position) => {
        passed.push(
          `${change.transaction.commitLsn}:${change.lsn}.${change.ordinal}${position === null ? '' : ' covered'}`,
        )
      },
      committed: (changes, endLsn) => committed.push(`${changes.map(({ kind }) => kind).join()} by ${endLsn}`),
      covers: (position) => readUpto !== null && comparePositions(position, readUpto) <= 0,
    },
    readUpto !== null,
    settledUpTo,
  )
  let transaction: Transaction = { xid: 0, commitLsn: 0n, committedAt: '' }
  for (const step of script.split(' ')) {
    const rest = step.slice(1)
    if (step.startsWith('B')) {
      transaction = { xid: 1, commitLsn: BigInt(rest), committedAt: `at ${rest}` }
      reader.begin(transaction)
    } else if (step === 'C') reader.commit(transaction, transaction.commitLsn + 1n)
    else reader.change(aChange(step, transaction))
  }
  return { passed, committed, reader, confirmable: rule.confirmable }
}

function aChange(step: string, transaction: Transaction): Change {
  const [lsn, ordinal] = step.slice(1).split('.')
  const [schema, table] = /^[st]/.test(step) ? ['hookd', 'subscribers'] : ['public', 'article']
  const relation: Relation = {
    name: `${schema}.${table}`,
    schema,
    table,
    columns: [],
    index: new Map(),
    key: [],
  }
  const place = { transaction, lsn: `0/${lsn}`, ordinal: Number(ordinal ?? 0), relation }
  if (step.startsWith('t')) return { kind: 'truncate', op: 'truncate', ...place }
  return { kind: 'row', op: 'insert', old: null, oldComplete: false, new: null, ...place }
}

describe('the reader of a stream', () => {
  test('passes every change on, with nothing to be covered', () => {
    const { passed, confirmable } = play('B5 a1 a2.1 C B9 a6 C')
    expect(passed).toEqual(['5:0/1.0', '5:0/2.1', '9:0/6.0'])
    expect(confirmable).toBe(10n)
  })

  test('drops transactions that come again', () => {
    expect(play('B5 a1 C B9 a6 C B5 a1 C B9 a6 C B12 a10 C').passed).toEqual(['5:0/1.0', '9:0/6.0', '12:0/10.0'])
  })

  test('drops transactions that were settled before it began, though the server sends them', () => {
    expect(play('B5 a1 C B9 a6 C B12 a10 C', null, 10n).passed).toEqual(['12:0/10.0'])
  })

  test('goes on inside a transaction that was cut off', () => {
    const { passed, confirmable } = play('B5 a1 C B9 a6 a6.1 B5 a1 C B9 a6 a6.1 a6.2 a7 C')
    expect(passed).toEqual(['5:0/1.0', '9:0/6.0', '9:0/6.1', '9:0/6.2', '9:0/7.0'])
    expect(confirmable).toBe(10n)
  })

  test('goes on with a transaction that was cut off before its first change', () => {
    expect(play('B5 a1 C B9 B5 a1 C B9 a3 C').passed).toEqual(['5:0/1.0', '9:0/3.0'])
  })

  test('tells which changes an earlier run has dispatched, up to the first that it has not', () => {
    const { passed } = play('B5 a1 C B9 a6 a6.1 a7 C', { commitLsn: 9n, lsn: 6n, ordinal: 0 })
    expect(passed).toEqual(['5:0/1.0 covered', '9:0/6.0 covered', '9:0/6.1', '9:0/7.0'])
  })

  test('keeps changes of the subscribers until their transaction commits', () => {
    const { passed, committed } = play('B5 s1 a2 s3 C B9 a6 C')
    expect(passed).toEqual(['5:0/2.0', '9:0/6.0'])
    expect(committed).toEqual(['row,row by 6'])
  })

  test('takes a truncate of the subscribers for one of their changes', () => {
    expect(play('B5 s1 t2 C').committed).toEqual(['row,truncate by 6'])
  })

  test('does not apply changes of the subscribers twice that come again', () => {
    expect(play('B5 s1 B5 s1 s2 C B5 s1 s2 C').committed).toEqual(['row,row by 6'])
  })

  test('knows how far it has read, and whether it is inside a transaction', () => {
    expect(play('B5').reader.readUpto).toBeNull()
    const { reader } = play('B5 a1 C B9 a6 s7.2')
    expect([reader.readUpto, reader.isInTransaction, reader.committedAt]).toEqual(['0/9 0/7 2', true, 'at 9'])
    expect(play('B5 a1 C').reader.isInTransaction).toBe(false)
  })
})
