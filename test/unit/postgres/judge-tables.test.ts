import { expect, test } from 'vitest'
import type { Catalog, CatalogTable } from '../../../src/postgres/catalog.ts'
import { judgeTables } from '../../../src/postgres/judge-tables.ts'

function aTable(name: string, change: Partial<CatalogTable> = {}): CatalogTable {
  const [schema = '', table = ''] = name.split('.')
  const shape = {
    kind: 'table',
    persistence: 'permanent',
    identity: 'default',
    key: ['id'],
    root: null,
    columns: [],
  } as const
  return { oid: 1, name, schema, table, ...shape, ...change }
}

function catalogOf(...tables: CatalogTable[]): Catalog {
  return { tables: new Map(tables.map((table) => [table.name, table])), types: new Map() }
}

test.each<[what: string, change: Partial<CatalogTable>, count: number]>([
  ['a primary key', {}, 0],
  ['REPLICA IDENTITY FULL and no key', { identity: 'full', key: [] }, 0],
  ['neither key nor identity', { key: [] }, 1],
  ['REPLICA IDENTITY NOTHING', { identity: 'nothing' }, 1],
])('a table with %s', (_, change, count) => {
  const catalog = catalogOf(aTable('public.log', change))
  expect(judgeTables(['public.log'], catalog, 'wal2json')).toHaveLength(count)
  expect(judgeTables(['public.log'], catalog, 'pgoutput')).toHaveLength(count)
})

test('under wal2json updates and deletes are invisible, under pgoutput Postgres would refuse them', () => {
  const catalog = catalogOf(aTable('public.Log', { key: [] }))
  expect(judgeTables(['public.Log'], catalog, 'wal2json')).toMatchObject([
    { level: 'warning', message: expect.stringContaining('its updates and deletes are invisible') },
  ])
  expect(judgeTables(['public.Log'], catalog, 'pgoutput')).toEqual([
    {
      level: 'error',
      code: 'HOOKD_NO_IDENTITY',
      message:
        'public.Log has neither a primary key nor a replica identity: once it is published, PostgreSQL refuses every UPDATE and DELETE on it',
      fix: 'ALTER TABLE "public"."Log" REPLICA IDENTITY FULL;',
    },
  ])
})

test('of a partitioned table its partitions count', () => {
  const catalog = catalogOf(
    aTable('public.m', { kind: 'partitioned', key: [] }),
    aTable('public.m1', { root: 'public.m' }),
    aTable('public.m2', { root: 'public.m', key: [] }),
  )
  expect(judgeTables(['public.m'], catalog, 'pgoutput').map(({ message }) => message.split(' ')[0])).toEqual([
    'public.m2',
  ])
})
