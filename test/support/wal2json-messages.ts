import { expect } from 'vitest'
import type { RowChange } from '../../src/replication/change.ts'
import type { DecoderCatalog } from '../../src/replication/decoder.ts'
import { Wal2jsonDecoder } from '../../src/replication/wal2json.ts'
import { LIMITS, RecordingSink } from './slot-changes.ts'
import { catalogTable, MutableCatalog } from './wire.ts'

/** What every message says of its transaction. */
export const IN = '"xid":7421,"timestamp":"2026-01-13 23:12:52.2+00"'
export const BEGIN = `{"action":"B",${IN},"lsn":"16/B374D848","nextlsn":"16/B374D878"}`
export const COMMIT = `{"action":"C",${IN},"lsn":"16/B374D848","nextlsn":"16/B374D878"}`

/** The value is JSON text. */
export type Column = readonly [name: string, typeOid: number, value?: string]

/** A message about a row; values are JSON text. */
export function row(
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

/** Of the table that the messages are about, unless they say otherwise. */
export const COLUMNS = { id: 23, title: 25, ok: 16, price: 1700, raw: 17 }
export const ARTICLE = catalogTable('public.article', COLUMNS, { key: ['id'] })

/** The columns of `public.article`; one without a value is left out. */
export function columnsOf(...values: readonly (string | undefined)[]): Column[] {
  return Object.entries(COLUMNS).flatMap(([name, typeOid], i): Column[] =>
    values[i] === undefined ? [] : [[name, typeOid, values[i]]],
  )
}

export function decode(
  messages: readonly (string | Buffer)[],
  { catalog = new MutableCatalog(ARTICLE), limits = LIMITS }: { catalog?: DecoderCatalog; limits?: typeof LIMITS } = {},
): RecordingSink {
  const sink = new RecordingSink()
  const decoder = new Wal2jsonDecoder(sink, catalog, limits)
  for (const message of messages) decoder.decode(Buffer.from(message as string), '0/20')
  return sink
}

/** Decodes a message twice: as the first of its layout, from its bytes, and by the short cut that this teaches. */
export function everyWay(message: string | Buffer, options: Parameters<typeof decode>[1] = {}): RowChange {
  const [first, second] = decode([BEGIN, message, message], options).changes as RowChange[]
  expect(second).toEqual({ ...first, ordinal: 1 })
  expect(second!.relation).toBe(first!.relation)
  return first!
}

/** The old key of `public.article`. */
export const key = (value: string): Column[] => [['id', 23, value]]
/** A row of `public.article`. */
export const whole = columnsOf('1', '"a"', 'true', '1', '"00"')
