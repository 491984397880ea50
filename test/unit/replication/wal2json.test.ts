import { describe, expect, test } from 'vitest'
import { Unreadable } from '../../../src/replication/change.ts'
import type { DecoderCatalog } from '../../../src/replication/decoder.ts'
import { LIMITS } from '../../support/slot-changes.ts'
import {
  ARTICLE,
  BEGIN,
  COMMIT,
  IN,
  type Column,
  columnsOf,
  decode,
  everyWay,
  key,
  row,
  whole,
} from '../../support/wal2json-messages.ts'
import { catalogTable, MutableCatalog } from '../../support/wire.ts'

test('a transaction begins with its commit LSN, time and xid, and ends with its end LSN', () => {
  const sink = decode([BEGIN, COMMIT])

  expect(sink.begun).toEqual([{ commitLsn: 0x16b374d848n, committedAt: '2026-01-13T23:12:52.200000Z', xid: 7421 }])
  expect(sink.committed).toEqual([{ transaction: sink.begun[0], endLsn: 0x16b374d878n }])
})

test.each([
  ['2026-01-13 23:12:52+00', '2026-01-13T23:12:52.000000Z'],
  ['2026-01-13 23:12:52.000001+00', '2026-01-13T23:12:52.000001Z'],
])('the commit time %s is %s', (printed, committedAt) => {
  expect(decode([BEGIN.replace('2026-01-13 23:12:52.2+00', printed)]).begun[0]?.committedAt).toBe(committedAt)
})

test.each<[string, readonly Column[], readonly unknown[]]>([
  [
    'bare words',
    columnsOf('-1', '"a"', 'true', '12345678901234567890.10', '"00ff"'),
    ['-1', 'a', 't', '12345678901234567890.10', '\\x00ff'],
  ],
  ['nulls', columnsOf('1', 'null', 'null', 'null', 'null'), ['1', null, null, null, null]],
  ['the text null', columnsOf('1', '"null"', 'false', '1e-10', '""'), ['1', 'null', 'f', '1e-10', '\\x']],
  [
    'escapes',
    columnsOf('1', '"\\"q\\" \\\\ \\b\\f\\n\\r\\t\\u001f \u2028 é漢\u{1f389}"', 'true', '1', '"00"'),
    ['1', '"q" \\ \b\f\n\r\t\u001f \u2028 é漢\u{1f389}', 't', '1', '\\x00'],
  ],
  [
    'text that looks like the end of a value',
    columnsOf('1', '"\\"},{\\"name\\":\\"ok\\",\\"typeoid\\":16,\\"value\\":true}]}"', 'true', '1', '"00"'),
    ['1', '"},{"name":"ok","typeoid":16,"value":true}]}', 't', '1', '\\x00'],
  ],
  ['a backslash at the end', columnsOf('1', '"\\\\"', 'true', '1', '"00"'), ['1', '\\', 't', '1', '\\x00']],
  [
    'a replacement character that is meant',
    columnsOf('1', '"\ufffd"', 'true', '1', '"00"'),
    ['1', '\ufffd', 't', '1', '\\x00'],
  ],
])('%s are read as the output function printed them', (_what, columns, cells) => {
  expect(everyWay(row('I', { columns })).new?.cells).toEqual(cells)
})

test('a domain over a number is quoted, and carries NaN', () => {
  const catalog = new MutableCatalog(catalogTable('public.article', { id: 23, d: 90_000 }, { key: ['id'] }))
  const columns: Column[] = [
    ['id', 23, '1'],
    ['d', 90_000, '"NaN"'],
  ]

  expect(everyWay(row('I', { columns }), { catalog }).new?.cells).toEqual(['1', 'NaN'])
})

test('a type OID beyond 2^31 is printed as a negative number', () => {
  const catalog = new MutableCatalog(catalogTable('public.article', { id: 23, d: 4_294_967_295 }, { key: ['id'] }))
  const columns: Column[] = [
    ['id', 23, '1'],
    ['d', -1, '"x"'],
  ]

  expect(everyWay(row('I', { columns }), { catalog }).relation.columns[1]).toEqual({
    name: 'd',
    typeOid: 4_294_967_295,
  })
})

test('names are unescaped', () => {
  const catalog = new MutableCatalog(catalogTable('public.a "b" \\ é', { 'c "d"]}': 25 }))
  const change = everyWay(row('I', { table: '"a \\"b\\" \\\\ é"', columns: [['c "d"]}', 25, '"x"']], pk: [] }), {
    catalog,
  })

  expect(change.relation).toMatchObject({ name: 'public.a "b" \\ é', columns: [{ name: 'c "d"]}', typeOid: 25 }] })
})

const full = new MutableCatalog({ ...ARTICLE, identity: 'full' })
const U = undefined

test.each<
  [string, string, { catalog?: DecoderCatalog }, Partial<Record<'op' | 'old' | 'oldComplete' | 'new', unknown>>]
>([
  [
    'an insert',
    row('I', { columns: whole }),
    {},
    { op: 'insert', old: U, oldComplete: false, new: ['1', 'a', 't', '1', '\\x00'] },
  ],
  [
    'an update that keeps the key',
    row('U', { columns: whole, identity: key('1') }),
    {},
    { op: 'update', old: U, oldComplete: false, new: ['1', 'a', 't', '1', '\\x00'] },
  ],
  [
    'an update of the key',
    row('U', { columns: whole, identity: key('2') }),
    {},
    { op: 'update', old: ['2', U, U, U, U], oldComplete: false, new: ['1', 'a', 't', '1', '\\x00'] },
  ],
  [
    'an update with an unchanged TOASTed value',
    row('U', { columns: columnsOf('1', U, 'true', '1', '"00"'), identity: key('1') }),
    {},
    { op: 'update', old: U, oldComplete: false, new: ['1', U, 't', '1', '\\x00'] },
  ],
  [
    'an update under FULL',
    row('U', { columns: columnsOf('1', U, 'false', '1', '"00"'), identity: whole }),
    { catalog: full },
    { op: 'update', old: ['1', 'a', 't', '1', '\\x00'], oldComplete: true, new: ['1', 'a', 'f', '1', '\\x00'] },
  ],
  [
    'an update from before FULL',
    row('U', { columns: whole, identity: key('2') }),
    { catalog: full },
    { op: 'update', old: ['2', U, U, U, U], oldComplete: false, new: ['1', 'a', 't', '1', '\\x00'] },
  ],
  [
    'an update with more than the key, not under FULL',
    row('U', { columns: whole, identity: whole }),
    {},
    { op: 'update', old: U, oldComplete: false, new: ['1', 'a', 't', '1', '\\x00'] },
  ],
  [
    'a delete',
    row('D', { identity: key('1') }),
    {},
    { op: 'delete', old: ['1', U, U, U, U], oldComplete: false, new: U },
  ],
  [
    'a delete under FULL',
    row('D', { identity: whole }),
    { catalog: full },
    { op: 'delete', old: ['1', 'a', 't', '1', '\\x00'], oldComplete: true, new: U },
  ],
])('%s is decoded', (_what, message, options, wanted) => {
  const { op, old, oldComplete, new: now } = everyWay(message, options)

  expect({ op, old: old?.cells, oldComplete, new: now?.cells }).toEqual(wanted)
})

test('a truncate names its table, and has ordinal 0', () => {
  const truncate = (table: string) => `{"action":"T",${IN},"lsn":"0/20","schema":"public","table":${table}}`
  const { changes } = decode([BEGIN, truncate('"article"'), truncate('"unknown \\"é\\""')])

  expect(changes).toMatchObject([
    { kind: 'truncate', op: 'truncate', ordinal: 0, relation: { name: 'public.article', key: [0] } },
    { kind: 'truncate', ordinal: 0, relation: { name: 'public.unknown "é"', columns: [] } },
  ])
})

test('only transactional messages with the prefix hookd are events', () => {
  const message = (content: string, { prefix = 'hookd', transactional = true } = {}) =>
    transactional
      ? `{"action":"M",${IN},"lsn":"0/20","transactional":true,"prefix":"${prefix}","content":"${content}"}`
      : `{"action":"M","xid":null,"timestamp":null,"lsn":"0/20","transactional":false,"prefix":"${prefix}","content":"${content}"}`
  const { changes } = decode([
    message('outside', { transactional: false }),
    BEGIN,
    message('é \\"q\\" \\u0001'),
    message('not transactional', { transactional: false }),
    message('of somebody else', { prefix: 'hookd2' }),
    message(''),
    message('x'.repeat(LIMITS.maxCellBytes + 1)),
  ])

  expect(changes).toMatchObject([
    { kind: 'emitted', content: 'é "q" \u0001', ordinal: 0 },
    { kind: 'emitted', content: '', ordinal: 1 },
    { kind: 'undecodable', reason: 'the content of the message exceeds the limit of 1048576 bytes for a value' },
  ])
})

test('a value that is not UTF-8 is unreadable, and the others are not', () => {
  const message = Buffer.from(row('I', { columns: columnsOf('1', '"?"', 'true', '1', '"00"') }))
  message[message.indexOf('?')] = 0xff

  expect(everyWay(message).new?.cells).toEqual(['1', new Unreadable('is not valid UTF-8'), 't', '1', '\\x00'])
})

describe('a message that cannot be decoded', () => {
  const insert = row('I', { columns: whole })

  test.each([
    ['of an unknown action', `{"action":"X"}`, { op: null, table: null, reason: 'wal2json has no action "X"' }],
    ['that is not JSON', insert.slice(0, -9), { op: 'insert', table: 'public.article' }],
    ['without a table', `{"action":"I",${IN}}`, { op: 'insert', table: null, reason: 'the message names no table' }],
    [
      'with a broken escape',
      row('I', { columns: columnsOf('1', '"\\x"', 'true', '1', '"00"') }),
      { op: 'insert', table: 'public.article', reason: 'a text in the message is not a JSON string' },
    ],
  ])('%s is reported without its values, and the stream goes on', (_what, message, wanted) => {
    const { changes, begun } = decode([BEGIN, message, insert])

    expect(changes).toMatchObject([
      { kind: 'undecodable', transaction: begun[0], lsn: '0/20', ordinal: 0, ...wanted },
      { kind: 'row', ordinal: 1 },
    ])
  })

  test.each([
    ['a BEGIN without xid', [`{"action":"B"}`]],
    ['a BEGIN of a session outside of UTC', [BEGIN.replace('+00', '+05:30')]],
    ['a COMMIT without an LSN', [BEGIN, `{"action":"C"}`]],
    ['a change outside of a transaction', [insert]],
    ['something else', ['']],
  ])('%s stops the stream', (_what, messages) => {
    expect(() => decode(messages)).toThrow(expect.objectContaining({ code: 'HOOKD_STREAM_UNREADABLE' }))
  })

  test('no damage makes it throw or lose the next change', () => {
    const update = Buffer.from(row('U', { columns: whole, identity: key('2') }))
    for (let at = 0; at < update.length; at++) {
      for (const damaged of [
        update.subarray(0, at),
        flip(update, at, 0x01),
        flip(update, at, 0x02),
        flip(update, at, 0x80),
      ]) {
        if (damaged[11] === 'B'.charCodeAt(0) || damaged[11] === 'C'.charCodeAt(0)) continue
        const { changes } = decode([BEGIN, insert, update, damaged, update])
        expect(changes.at(-1)).toMatchObject({
          kind: 'row',
          op: 'update',
          new: { cells: ['1', 'a', 't', '1', '\\x00'] },
        })
        expect(changes.length).toBeLessThanOrEqual(4)
      }
    }
  })
})

function flip(message: Buffer, at: number, bits: number): Buffer {
  const copy = Buffer.from(message)
  copy[at]! ^= bits
  return copy
}
