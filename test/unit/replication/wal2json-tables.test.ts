import { describe, expect, test } from 'vitest'
import { type RowChange, Unreadable } from '../../../src/replication/change.ts'
import type { DecoderCatalog } from '../../../src/replication/decoder.ts'
import { Wal2jsonDecoder } from '../../../src/replication/wal2json.ts'
import { LIMITS, RecordingSink } from '../../support/slot-changes.ts'
import {
  ARTICLE,
  BEGIN,
  COLUMNS,
  type Column,
  columnsOf,
  decode,
  everyWay,
  key,
  row,
  whole,
} from '../../support/wal2json-messages.ts'
import { catalogTable, MutableCatalog } from '../../support/wire.ts'

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
  const relations = (sink: Pick<RecordingSink, 'changes'>) =>
    sink.changes.map((change) => (change as RowChange).relation)

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

  test('is read right from more layouts than are remembered', () => {
    const [id, ...others] = whole
    const updates = Array.from({ length: 16 }, (_, bits) =>
      row('U', { columns: [id!, ...others.filter((_column, i) => bits & (1 << i))], identity: key('1') }),
    )
    const { changes } = decode([BEGIN, ...updates, ...updates])

    expect(new Set(relations({ changes })).size).toBe(1)
    for (const [i, { cells }] of changes
      .slice(0, 16)
      .map((change) => (change as RowChange).new!)
      .entries()) {
      expect(cells.filter((cell) => cell !== undefined)).toHaveLength(1 + i.toString(2).replaceAll('0', '').length)
      expect((changes[i + 16] as RowChange).new!.cells).toEqual(cells)
    }
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
