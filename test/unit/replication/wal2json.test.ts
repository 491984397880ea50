import { describe, expect, test } from 'vitest'
import { type RowChange, Unreadable } from '../../../src/replication/change.ts'
import type { DecoderCatalog } from '../../../src/replication/decoder.ts'
import { Wal2jsonDecoder } from '../../../src/replication/wal2json.ts'
import { LIMITS, RecordingSink } from '../../support/slot-changes.ts'
import { catalogTable, MutableCatalog } from '../../support/wire.ts'

const IN = '"xid":7421,"timestamp":"2026-01-13 23:12:52.2+00"'
const BEGIN = `{"action":"B",${IN},"lsn":"16/B374D848","nextlsn":"16/B374D878"}`
const COMMIT = `{"action":"C",${IN},"lsn":"16/B374D848","nextlsn":"16/B374D878"}`

type Column = readonly [name: string, typeOid: number, value?: string]

/** A message about a row; values are JSON text. */
function row(
  action: 'I' | 'U' | 'D',
  {
    table = '"article"',
    columns,
    identity,
    pk = [['id', 23]],
  }: {
    table?: string
    columns?: readonly Column[]
    identity?: readonly Column[]
    pk?: readonly Column[] | null
  },
): string {
  const list = (name: string, members: readonly Column[] | null | undefined) =>
    members ? `,"${name}":[${members.map(column).join(',')}]` : ''
  return `{"action":"${action}",${IN},"lsn":"0/20","schema":"public","table":${table}${list('columns', columns)}${list('identity', identity)}${list('pk', pk)}}`
}

function column([name, typeOid, value]: Column): string {
  return `{"name":${JSON.stringify(name)},"typeoid":${typeOid}${value === undefined ? '' : `,"value":${value}`}}`
}

const COLUMNS = { id: 23, title: 25, ok: 16, price: 1700, raw: 17 }
const ARTICLE = catalogTable('public.article', COLUMNS, { key: ['id'] })

function columnsOf(...values: readonly (string | undefined)[]): Column[] {
  return Object.entries(COLUMNS).flatMap(([name, typeOid], i): Column[] =>
    values[i] === undefined ? [] : [[name, typeOid, values[i]]],
  )
}

function decode(
  messages: readonly (string | Buffer)[],
  { catalog = new MutableCatalog(ARTICLE), limits = LIMITS }: { catalog?: DecoderCatalog; limits?: typeof LIMITS } = {},
): RecordingSink {
  const sink = new RecordingSink()
  const decoder = new Wal2jsonDecoder(sink, catalog, limits)
  for (const message of messages) decoder.decode(Buffer.from(message as string), '0/20')
  return sink
}

/** Decodes a message three times: as the first of its layout, by the short cut that it teaches, and in a large message. */
function everyWay(message: string | Buffer, options: Parameters<typeof decode>[1] = {}): RowChange {
  const sink = decode([BEGIN, message, message], options)
  const [first, second] = sink.changes as RowChange[]
  const [bytewise] = decode([BEGIN, message], { ...options, limits: { ...LIMITS, maxMessageBytes: 1 << 20 } }).changes
  expect(second).toEqual({ ...first, ordinal: 1 })
  expect(second!.relation).toBe(first!.relation)
  expect(bytewise).toEqual(first)
  return first!
}

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

const key = (value: string): Column[] => [['id', 23, value]]
const whole = columnsOf('1', '"a"', 'true', '1', '"00"')
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

test('generated columns are dropped, as pgoutput does not send them', () => {
  const catalog = new MutableCatalog(
    catalogTable('public.article', COLUMNS, { key: ['id'], generated: ['ok', 'title'], identity: 'full' }),
  )
  const change = everyWay(row('U', { columns: whole, identity: whole }), { catalog })

  expect(change.relation.columns.map(({ name }) => name)).toEqual(['id', 'price', 'raw'])
  expect(change.new?.cells).toEqual(['1', '1', '\\x00'])
  expect(change.oldComplete).toBe(true)
})

describe('a relation', () => {
  const narrow: Column[] = [
    ['id', 23, '1'],
    ['title', 25, '"a"'],
  ]
  const relations = (sink: RecordingSink) => sink.changes.map((change) => (change as RowChange).relation)

  test('is that of the catalog, also where a message lacks columns', () => {
    const [relation] = relations(decode([BEGIN, row('D', { identity: key('1') })]))

    expect(relation!.columns.map(({ name }) => name)).toEqual(Object.keys(COLUMNS))
    expect(relation!.key).toEqual([0])
  })

  test('is that of the message where the catalog is of another time', () => {
    const sink = decode([
      BEGIN,
      row('I', { columns: narrow }),
      row('D', { identity: key('1') }),
      row('I', { columns: whole }),
    ])
    const [inserted, deleted, later] = relations(sink)

    expect(inserted!.columns).toEqual([
      { name: 'id', typeOid: 23 },
      { name: 'title', typeOid: 25 },
    ])
    expect(inserted!.key).toEqual([0])
    expect(deleted).toBe(inserted)
    expect(later!.columns).toHaveLength(5)
  })

  test('changes with the type of a column', () => {
    const [first, second] = relations(
      decode(
        [
          BEGIN,
          row('I', { columns: narrow }),
          row('I', {
            columns: [
              ['id', 20, '1'],
              ['title', 25, '"a"'],
            ],
          }),
        ],
        { catalog: new MutableCatalog() },
      ),
    )

    expect(first!.columns[0]).toEqual({ name: 'id', typeOid: 23 })
    expect(second!.columns[0]).toEqual({ name: 'id', typeOid: 20 })
  })

  test('of a table that the catalog does not know has the key that the message names', () => {
    const messages = [BEGIN, row('I', { columns: narrow }), row('I', { columns: narrow, pk: [] })]

    expect(relations(decode(messages, { catalog: new MutableCatalog() })).map((relation) => relation.key)).toEqual([
      [0],
      [0],
    ])
    expect(relations(decode([BEGIN, messages[2]!], { catalog: new MutableCatalog() }))[0]!.key).toEqual([])
  })

  test('follows a catalog that is replaced, and stays the same object where that changes nothing', () => {
    const catalog = new MutableCatalog(ARTICLE)
    const sink = new RecordingSink()
    const decoder = new Wal2jsonDecoder(sink, catalog, LIMITS)
    decoder.decode(Buffer.from(BEGIN), '0/1')
    for (const table of [ARTICLE, { ...ARTICLE }, { ...ARTICLE, key: ['title'] }]) {
      catalog.replace(table)
      decoder.decode(Buffer.from(row('I', { columns: whole })), '0/2')
    }

    const [first, second, third] = relations(sink)
    expect(second).toBe(first)
    expect(third!.key).toEqual([1])
  })

  test('may have more columns than a layout takes', () => {
    const wide = Array.from({ length: 1_600 }, (_, i): Column => [`c${i}`, 25, `"${i}"`])
    const catalog = new MutableCatalog(
      catalogTable('public.article', Object.fromEntries(wide.map(([name, oid]) => [name, oid]))),
    )

    expect(everyWay(row('I', { columns: wide, pk: [] }), { catalog }).new?.cells).toEqual(wide.map((_, i) => `${i}`))
  })

  test('keeps a bounded number of layouts of its messages', () => {
    const updates = Array.from({ length: 32 }, (_, bits) =>
      row('U', {
        columns: [
          ['id', 23, '1'] as Column,
          ...columnsOf(...['1', '"a"', 'true', '1', '"00"'].map((value, i) => (bits & (1 << i) ? value : U))).slice(0),
        ].filter(([name], i) => i === 0 || name !== 'id'),
        identity: key('1'),
      }),
    )
    const sink = decode([BEGIN, ...updates, ...updates])

    for (const [bits] of updates.entries())
      expect(sink.changes[bits + 32]).toMatchObject({ new: (sink.changes[bits] as RowChange).new })
  })
})

describe('NaN and the infinities, which print as null,', () => {
  const catalog = new MutableCatalog(
    catalogTable('public.article', { id: 23, a: 701, b: 1700, c: 700 }, { key: ['id'], notNull: ['c'] }),
  )
  const message = row('I', {
    columns: [
      ['id', 23, '1'],
      ['a', 701, 'null'],
      ['b', 1700, 'null'],
      ['c', 700, 'null'],
    ],
  })
  const hidden = new Unreadable('is NaN or an infinity, which wal2json cannot carry; use --plugin pgoutput')
  const unsure = new Unreadable(
    'is NULL, NaN or an infinity, which wal2json does not tell apart here; use --plugin pgoutput',
  )

  test('are known to be hidden only where NULL cannot be', () => {
    expect(everyWay(message, { catalog }).new?.cells).toEqual(['1', null, null, hidden])
  })

  test.each<[string, readonly string[], readonly unknown[]]>([
    ['none', [], ['1', null, null, null]],
    ['as many as cannot be NULL', ['-Infinity'], ['1', null, null, '-Infinity']],
    ['fewer than there are nulls', ['NaN', 'Infinity'], ['1', unsure, unsure, unsure]],
    ['as many as there are nulls', ['NaN', 'Infinity', '-Infinity'], ['1', 'NaN', 'Infinity', '-Infinity']],
  ])('are read where the server announces %s', (_what, announced, cells) => {
    const sink = new RecordingSink()
    const decoder = new Wal2jsonDecoder(sink, catalog, { ...LIMITS, announcesSpecials: true })
    decoder.notice('special value: NaN')
    decoder.decode(Buffer.from(BEGIN), '0/1')
    for (let i = 0; i < 2; i++) {
      decoder.notice('REPLICA IDENTITY: obtain old tuple using new tuple')
      for (const value of announced) decoder.notice(`special value: ${value}`)
      decoder.decode(Buffer.from(message), '0/1')
    }

    expect(sink.changes.map((change) => (change as RowChange).new?.cells)).toEqual([cells, cells])
  })
})

describe('limits', () => {
  const tooLarge = new Unreadable('exceeds the limit of 100 bytes for a value')
  const limits = { maxCellBytes: 100, maxMessageBytes: 250 }

  test('count the bytes of a value, not of its escapes', () => {
    const cells = (text: string) => everyWayWithin(row('I', { columns: columnsOf('1', text, 'true', '1', '"00"') }))[1]

    expect(cells(`"${'\\n'.repeat(100)}"`)).toBe('\n'.repeat(100))
    expect(cells(`"${'\\u0001'.repeat(101)}"`)).toEqual(tooLarge)
    expect(cells(`"${'é'.repeat(50)}"`)).toBe('é'.repeat(50))
    expect(cells(`"${'é'.repeat(51)}"`)).toEqual(tooLarge)
  })

  test('count the prefix of a bytea', () => {
    const cells = (hex: string) =>
      everyWayWithin(row('I', { columns: columnsOf('1', 'null', 'true', '1', `"${hex}"`) }))[4]

    expect(cells('0'.repeat(98))).toBe(`\\x${'0'.repeat(98)}`)
    expect(cells('0'.repeat(99))).toEqual(tooLarge)
  })

  test('leave the key alone where the row is too large as a whole', () => {
    const catalog = new MutableCatalog(catalogTable('public.article', { a: 25, b: 25, c: 25, id: 25 }, { key: ['id'] }))
    const text = `"${'x'.repeat(90)}"`
    const message = row('I', {
      columns: [
        ['a', 25, text],
        ['b', 25, text],
        ['c', 25, text],
        ['id', 25, text],
      ],
    })
    const leftOut = new Unreadable('was left out, because its row exceeds 250 bytes')

    expect(everyWayWithin(message, catalog)).toEqual(['x'.repeat(90), 'x'.repeat(90), leftOut, 'x'.repeat(90)])
  })

  function everyWayWithin(message: string, catalog?: DecoderCatalog): readonly unknown[] {
    const { changes } = decode([BEGIN, message, message], { limits, ...(catalog && { catalog }) })
    const [first, second] = changes as RowChange[]
    expect(second!.new).toEqual(first!.new)
    return first!.new!.cells
  }
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
