import { describe, expect, test } from 'vitest'
import { quoteIdentifier, quoteReplicationString, quoteTable } from '../../../src/postgres/quote.ts'
import { AskedBurst } from '../../../src/replication/asked-burst.ts'
import { standbyStatus } from '../../../src/replication/standby-status.ts'
import { pgoutputOptions, startReplication, wal2jsonOptions } from '../../../src/replication/start-replication.ts'

describe('START_REPLICATION', () => {
  test('names the slot, the position and the options', () => {
    expect(startReplication('hookd', 0x16b374d848n, { 'format-version': '2' })).toBe(
      `START_REPLICATION SLOT "hookd" LOGICAL 16/B374D848 ("format-version" '2')`,
    )
  })

  test('leaves the position to the server as 0/0', () => {
    expect(startReplication('hookd', 0n, {})).toBe('START_REPLICATION SLOT "hookd" LOGICAL 0/0')
  })

  test('quotes what it is given', () => {
    expect(startReplication(`a"b`, 0n, { [`c"d`]: `e'f\\` })).toBe(
      `START_REPLICATION SLOT "a""b" LOGICAL 0/0 ("c""d" 'e''f\\')`,
    )
  })
})

test('a publication name is quoted as an identifier inside of the option', () => {
  expect(pgoutputOptions(`it's "one", two`)).toMatchObject({
    publication_names: `"it's ""one"", two"`,
    messages: 'true',
  })
})

test('wal2json gets the tables with its own escapes', () => {
  const tables = [
    { schema: 'public', table: 'Order' },
    { schema: 'a b', table: `it's,x.y*\\z` },
  ]
  expect(wal2jsonOptions(tables)['add-tables']).toBe(`public.Order,a\\ b.it\\'s\\,x\\.y\\*\\\\z`)
})

test('names and strings are quoted, and a NUL is refused', () => {
  expect(quoteIdentifier(`Ann's "x"`)).toBe(`"Ann's ""x"""`)
  expect(quoteTable({ schema: 'My', table: 'a.b' })).toBe(`"My"."a.b"`)
  expect(quoteReplicationString(`it's \\ "x"`)).toBe(`'it''s \\ "x"'`)
  expect(() => quoteIdentifier('a\0b')).toThrow('contains a NUL')
  expect(() => quoteReplicationString('a\0b')).toThrow('contains a NUL')
})

test('a status update carries the positions exactly as they are, and the time', () => {
  const frame = standbyStatus({
    received: 0x16_b374d900n,
    confirmed: 0x16_b374d848n,
    replyRequested: true,
    nowMs: Date.UTC(2000, 0, 1, 0, 0, 1),
  })
  expect(frame.toString('hex')).toBe(
    '72' + '00000016b374d900' + '00000016b374d848' + '00000016b374d848' + '00000000000f4240' + '01',
  )
})

describe('a burst of requests', () => {
  test('is three within the window', () => {
    const burst = new AskedBurst(500)
    expect([0, 200, 400].map((at) => burst.asked(at))).toEqual([false, false, true])
  })

  test('is not what an idle server asks', () => {
    const burst = new AskedBurst(500)
    expect([0, 1000, 2000, 3000].map((at) => burst.asked(at))).toEqual([false, false, false, false])
  })

  test('is found after quiet times too', () => {
    const burst = new AskedBurst(500)
    expect([0, 1000, 2000, 2001, 2002].map((at) => burst.asked(at))).toEqual([false, false, false, false, true])
  })
})
