import { describe, expect, test } from 'vitest'
import { type RowChange, Unreadable } from '../../../src/replication/change.ts'
import type { DecoderCatalog } from '../../../src/replication/decoder.ts'
import { PgoutputDecoder } from '../../../src/replication/pgoutput.ts'
import { LIMITS, RecordingSink } from '../../support/slot-changes.ts'
import { catalogTable, MutableCatalog, pgoutput, type Tuple } from '../../support/wire.ts'

const BEGIN = pgoutput.begin(0x10n, 821_661_172_205_785n, 7421)
const COMMIT = pgoutput.commit(0x10n, 0x30n)
const TABLE = ['public', 'article'] as const
const DESCRIBED = pgoutput.relation(9, TABLE, 'd', [
  ['id', 23, 'key'],
  ['title', 25],
  ['body', 25],
])

function decode(
  messages: readonly Buffer[],
  {
    catalog = new MutableCatalog(),
    limits = LIMITS,
  }: {
    catalog?: DecoderCatalog
    limits?: typeof LIMITS
  } = {},
): RecordingSink {
  const sink = new RecordingSink()
  const decoder = new PgoutputDecoder(sink, catalog, limits)
  for (const message of messages) decoder.decode(message, '0/20')
  return sink
}

function only(messages: readonly Buffer[], options: Parameters<typeof decode>[1] = {}): RowChange {
  const { changes } = decode([BEGIN, ...messages], options)
  expect(changes).toHaveLength(1)
  return changes[0] as RowChange
}

test('a transaction begins with its commit LSN, time and xid, and ends with its end LSN', () => {
  const sink = decode([BEGIN, COMMIT])

  expect(sink.begun).toEqual([{ commitLsn: 0x10n, committedAt: '2026-01-13T23:12:52.205785Z', xid: 7421 }])
  expect(sink.committed).toEqual([{ transaction: sink.begun[0], endLsn: 0x30n }])
})

test.each([
  [0n, '2000-01-01T00:00:00.000000Z'],
  [1n, '2000-01-01T00:00:00.000001Z'],
  [999_999n, '2000-01-01T00:00:00.999999Z'],
  [1_000_000n, '2000-01-01T00:00:01.000000Z'],
])('%i microseconds since 2000 are %s', (micros, text) => {
  expect(decode([pgoutput.begin(1n, micros, 1)]).begun[0]?.committedAt).toBe(text)
})

test('a relation holds names, columns and the flagged key', () => {
  const { relation } = only([DESCRIBED, pgoutput.insert(9, ['1', null, 'x'])])

  expect(relation).toEqual({
    name: 'public.article',
    schema: 'public',
    table: 'article',
    columns: [
      { name: 'id', typeOid: 23 },
      { name: 'title', typeOid: 25 },
      { name: 'body', typeOid: 25 },
    ],
    index: new Map([
      ['id', 0],
      ['title', 1],
      ['body', 2],
    ]),
    key: [0],
  })
})

const ROWS: readonly (readonly [string, Buffer, Partial<Record<'op' | 'old' | 'oldComplete' | 'new', unknown>>])[] = [
  [
    'an insert',
    pgoutput.insert(9, ['1', null, 'é"']),
    { op: 'insert', old: null, oldComplete: false, new: ['1', null, 'é"'] },
  ],
  [
    'an update without the old row',
    pgoutput.update(9, null, ['1', 'a', 'b']),
    { op: 'update', old: null, oldComplete: false, new: ['1', 'a', 'b'] },
  ],
  [
    'an update with the old key',
    pgoutput.update(9, ['K', ['1', null, null]], ['2', 'a', undefined]),
    { op: 'update', old: ['1', undefined, undefined], oldComplete: false, new: ['2', 'a', undefined] },
  ],
  [
    'an update with an old key that did not change',
    pgoutput.update(9, ['K', ['1', null, null]], [undefined, 'a', 'b']),
    { op: 'update', old: null, oldComplete: false, new: ['1', 'a', 'b'] },
  ],
  [
    'an update with the old row',
    pgoutput.update(9, ['O', ['1', null, 'long']], ['1', 'a', undefined]),
    { op: 'update', old: ['1', null, 'long'], oldComplete: true, new: ['1', 'a', 'long'] },
  ],
  [
    'a delete with the key',
    pgoutput.delete(9, ['K', ['1', null, null]]),
    { op: 'delete', old: ['1', undefined, undefined], oldComplete: false, new: undefined },
  ],
  [
    'a delete with the old row',
    pgoutput.delete(9, ['O', ['1', null, 'x']]),
    { op: 'delete', old: ['1', null, 'x'], oldComplete: true, new: undefined },
  ],
]

test.each(ROWS)('%s is decoded', (_what, message, wanted) => {
  const { op, old, oldComplete, new: now } = only([DESCRIBED, message])

  expect({ op, old: old && old.cells, oldComplete, new: now?.cells }).toEqual(wanted)
})

describe('a relation', () => {
  const insert = pgoutput.insert(9, ['1', null, 'x'])
  const columns = { id: 23, title: 25, body: 25 }
  const full = pgoutput.relation(9, TABLE, 'f', [
    ['id', 23, 'key'],
    ['title', 25, 'key'],
    ['body', 25, 'key'],
  ])

  test('stays the same object until its shape changes', () => {
    const changed = pgoutput.relation(9, TABLE, 'd', [['id', 20, 'key']])
    const { changes } = decode([BEGIN, DESCRIBED, insert, DESCRIBED, insert, changed, pgoutput.insert(9, ['1'])])
    const [first, second, third] = changes.map((change) => (change as RowChange).relation)

    expect(second).toBe(first)
    expect(third).not.toBe(first)
    expect(third!.columns).toEqual([{ name: 'id', typeOid: 20 }])
  })

  test('takes its key from the catalog under FULL, where all columns are flagged', () => {
    const catalog = new MutableCatalog(
      catalogTable('public.article', columns, { key: ['title', 'id'], identity: 'full' }),
    )

    expect(only([full, insert], { catalog }).relation.key).toEqual([0, 1])
    expect(only([full, insert]).relation.key).toEqual([])
  })

  test('follows a catalog that is replaced, and stays the same object where that changes nothing', () => {
    const catalog = new MutableCatalog(catalogTable('public.article', columns, { key: ['id'] }))
    const sink = new RecordingSink()
    const decoder = new PgoutputDecoder(sink, catalog, LIMITS)
    for (const message of [BEGIN, full, insert]) decoder.decode(message, '0/1')
    catalog.replace(catalogTable('public.article', columns, { key: ['id'] }))
    decoder.decode(insert, '0/2')
    catalog.replace(catalogTable('public.article', columns, { key: ['title'] }))
    decoder.decode(insert, '0/3')

    const [first, second, third] = sink.changes.map((change) => (change as RowChange).relation)
    expect(second).toBe(first)
    expect(third!.key).toEqual([1])
  })

  test('lacks the generated columns that the publication may send', () => {
    const catalog = new MutableCatalog(catalogTable('public.article', columns, { generated: ['title'], key: ['body'] }))
    const change = only([full, pgoutput.update(9, ['O', ['1', 'g', 'b']], ['2', 'h', undefined])], { catalog })

    expect(change.relation.columns.map(({ name }) => name)).toEqual(['id', 'body'])
    expect(change.relation.key).toEqual([1])
    expect(change.old?.cells).toEqual(['1', 'b'])
    expect(change.new?.cells).toEqual(['2', 'b'])
  })
})

test('every table of a TRUNCATE gives a change with ordinal 0', () => {
  const other = pgoutput.relation(10, ['public', 'other'], 'd', [['id', 23, 'key']])
  const { changes } = decode([BEGIN, DESCRIBED, other, pgoutput.truncate(9, 10)])

  expect(changes).toMatchObject([
    { kind: 'truncate', ordinal: 0, lsn: '0/20', relation: { name: 'public.article' } },
    { kind: 'truncate', ordinal: 0, lsn: '0/20', relation: { name: 'public.other' } },
  ])
})

test('changes under one LSN are counted, per transaction', () => {
  const insert = pgoutput.insert(9, ['1', null, 'x'])
  const sink = new RecordingSink()
  const decoder = new PgoutputDecoder(sink, new MutableCatalog(), LIMITS)
  const lsns = ['0/1', '0/1', '0/2', '0/1']
  decoder.decode(BEGIN, '0/1')
  decoder.decode(DESCRIBED, '0/0')
  for (const lsn of lsns) decoder.decode(insert, lsn)
  decoder.decode(COMMIT, '0/30')
  decoder.decode(BEGIN, '0/1')
  decoder.decode(insert, '0/1')

  expect(sink.changes.map(({ lsn, ordinal }) => [lsn, ordinal])).toEqual([
    ['0/1', 0],
    ['0/1', 1],
    ['0/2', 0],
    ['0/1', 0],
    ['0/1', 0],
  ])
})

test('only transactional messages with the prefix hookd are events', () => {
  const { changes } = decode([
    pgoutput.message('outside', { transactional: false }),
    BEGIN,
    pgoutput.message('é "q"'),
    pgoutput.message('not transactional', { transactional: false }),
    pgoutput.message('of somebody else', { prefix: 'hookd2' }),
    pgoutput.message(''),
  ])

  expect(changes).toMatchObject([
    { kind: 'emitted', content: 'é "q"', ordinal: 0 },
    { kind: 'emitted', content: '', ordinal: 1 },
  ])
})

test.each<[string, Tuple, Tuple | readonly unknown[]]>([
  [
    'bytes that are not UTF-8',
    ['1', Buffer.of(0x61, 0xff), Buffer.of(0xc3, 0xa9)],
    ['1', new Unreadable('is not valid UTF-8'), 'é'],
  ],
  ['a replacement character that is meant', ['1', '\ufffd', 'x'], ['1', '\ufffd', 'x']],
  ['a byte order mark', ['1', '\ufeffx', 'x'], ['1', '\ufeffx', 'x']],
])('%s', (_what, row, cells) => {
  expect(only([DESCRIBED, pgoutput.insert(9, row)]).new?.cells).toEqual(cells)
})

test('a large message is decoded without a string of the whole', () => {
  const long = 'x'.repeat(100_000)

  expect(only([DESCRIBED, pgoutput.insert(9, ['1', long, 'é'])]).new?.cells).toEqual(['1', long, 'é'])
})

describe('a message that cannot be decoded', () => {
  const insert = pgoutput.insert(9, ['1', null, 'x'])

  test.each([
    ['of an unknown kind', Buffer.from('?'), { op: null, table: null, reason: 'pgoutput has no message "?"' }],
    [
      'of a table that was not described',
      pgoutput.insert(8, ['1']),
      { op: 'insert', table: null, reason: 'the table with OID 8 was not described before' },
    ],
    [
      'with another number of columns',
      pgoutput.insert(9, ['1']),
      { op: 'insert', table: 'public.article', reason: 'the row has another number of columns than its table' },
    ],
    [
      'that ends too early',
      insert.subarray(0, -1),
      { op: 'insert', table: 'public.article', reason: 'the message ends within a value' },
    ],
    [
      'that goes on',
      Buffer.concat([insert, Buffer.of(0)]),
      { op: 'insert', table: 'public.article', reason: 'the message has another length than its row' },
    ],
    [
      'with a content that is not UTF-8',
      pgoutput.message(Buffer.of(0xff)),
      { op: null, table: null, reason: 'a name or content in the message is not valid UTF-8' },
    ],
  ])('%s is reported, and the stream goes on', (_what, message, wanted) => {
    const { changes, begun } = decode([BEGIN, DESCRIBED, message, insert])

    expect(changes).toMatchObject([
      { kind: 'undecodable', transaction: begun[0], lsn: '0/20', ordinal: 0, ...wanted },
      { kind: 'row', ordinal: 1 },
    ])
  })

  test('a content beyond the limit is reported', () => {
    const { changes } = decode([BEGIN, pgoutput.message('x'.repeat(11))], { limits: { ...LIMITS, maxCellBytes: 10 } })

    expect(changes).toMatchObject([
      { kind: 'undecodable', reason: 'the content of the message exceeds the limit of 10 bytes for a value' },
    ])
  })

  test('after a description that cannot be read, the rows of its table are not read by the older one', () => {
    const { changes } = decode([BEGIN, DESCRIBED, DESCRIBED.subarray(0, 30), insert])

    expect(changes.map(({ kind }) => kind)).toEqual(['undecodable', 'undecodable'])
  })

  test.each([
    ['a BEGIN', [BEGIN.subarray(0, 12)]],
    ['a COMMIT', [BEGIN, COMMIT.subarray(0, 12)]],
    ['a change outside of a transaction', [DESCRIBED]],
  ])('%s stops the stream', (_what, messages) => {
    expect(() => decode(messages)).toThrow(expect.objectContaining({ code: 'HOOKD_STREAM_UNREADABLE' }))
  })

  test('an error of the sink is not taken for one of the message', () => {
    const sink = new RecordingSink()
    const decoder = new PgoutputDecoder(sink, new MutableCatalog(), LIMITS)
    decoder.decode(BEGIN, '0/1')
    decoder.decode(DESCRIBED, '0/1')
    sink.change = () => {
      throw new Error('a bug')
    }

    expect(() => decoder.decode(insert, '0/1')).toThrow('a bug')
  })

  test('no damage makes it throw or lose the next change', () => {
    const update = pgoutput.update(9, ['O', ['1', 'é', null]], ['2', 'text', undefined])
    for (let at = 0; at < update.length; at++) {
      for (const damaged of [
        update.subarray(0, at),
        flip(update, at, 0x01),
        flip(update, at, 0x80),
        flip(update, at, 0xff),
      ]) {
        if (damaged[0] === 'B'.charCodeAt(0) || damaged[0] === 'C'.charCodeAt(0)) continue
        const { changes } = decode([BEGIN, DESCRIBED, damaged, insert])
        expect(changes.at(-1)).toMatchObject({ kind: 'row', op: 'insert' })
        expect(changes.length).toBeLessThanOrEqual(2)
      }
    }
  })
})

function flip(message: Buffer, at: number, bits: number): Buffer {
  const copy = Buffer.from(message)
  copy[at]! ^= bits
  return copy
}
