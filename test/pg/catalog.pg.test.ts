import { describe, expect, test } from 'vitest'
import type { CatalogTable } from '../../src/postgres/catalog.ts'
import { loadCatalog } from '../../src/postgres/load-catalog.ts'
import type { PgType } from '../../src/values/types.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'

describe.each(SERVER_KINDS)('on %s', (kind) => {
  async function load(...statements: string[]) {
    const db = await createDatabase(kind)
    for (const statement of statements) await db.query(statement)
    const catalog = await loadCatalog(await db.client())
    const table = (name: string): CatalogTable => {
      const found = catalog.tables.get(name)
      if (!found) throw new Error(`no table ${name}`)
      return found
    }
    const type = (name: string): PgType => {
      const found = [...catalog.types.values()].filter((candidate) => candidate.name === name)
      if (found.length !== 1) throw new Error(`${found.length} types ${name}`)
      return found[0]!
    }
    return { db, catalog, table, type }
  }

  test('an empty database has types and no tables', async () => {
    const { catalog } = await load()
    expect([...catalog.tables.keys()]).toEqual([])
    expect(catalog.types.get(23)).toEqual({ kind: 'scalar', oid: 23, name: 'int4' })
    expect(catalog.types.get(1007)).toEqual({ kind: 'array', oid: 1007, name: '_int4', element: 23, delimiter: ',' })
  })

  test('a table has its columns in order, without those that were dropped', async () => {
    const { table } = await load(
      `create table item (id bigint primary key, gone text, title varchar(250) not null, price numeric(10,2),
         double numeric generated always as (price * 2) stored)`,
      'alter table item drop column gone',
      'alter table item add column late timestamptz',
    )
    expect(table('public.item')).toMatchObject({
      name: 'public.item',
      schema: 'public',
      table: 'item',
      kind: 'table',
      persistence: 'permanent',
      identity: 'default',
      key: ['id'],
      root: null,
      columns: [
        { name: 'id', typeOid: 20, typeName: 'bigint', notNull: true, generated: false },
        { name: 'title', typeOid: 1043, typeName: 'character varying(250)', notNull: true, generated: false },
        { name: 'price', typeOid: 1700, typeName: 'numeric(10,2)', notNull: false, generated: false },
        { name: 'double', typeOid: 1700, typeName: 'numeric', notNull: false, generated: true },
        { name: 'late', typeOid: 1184, typeName: 'timestamp with time zone', notNull: false, generated: false },
      ],
    })
  })

  test('the key follows the replica identity, in the order of its index', async () => {
    const { table } = await load(
      'create table plain (a int, b int, c int not null, primary key (b, a))',
      'create table whole (like plain including all)',
      'alter table whole replica identity full',
      'create table indexed (like plain including all)',
      'create unique index other on indexed (c) include (a)',
      'alter table indexed replica identity using index other',
      'create table nothing (like plain including all)',
      'alter table nothing replica identity nothing',
      'create table keyless (a int)',
    )
    const facts = (name: string) => [table(name).identity, table(name).key]
    expect(facts('public.plain')).toEqual(['default', ['b', 'a']])
    expect(facts('public.whole')).toEqual(['full', ['b', 'a']])
    expect(facts('public.indexed')).toEqual(['index', ['c']])
    expect(facts('public.nothing')).toEqual(['nothing', []])
    expect(facts('public.keyless')).toEqual(['default', []])
  })

  test('only a leaf partition has a root, which is the topmost one', async () => {
    const { table } = await load(
      'create table log (id int, at date) partition by range (at)',
      "create table log_26 partition of log for values from ('2026-01-01') to ('2027-01-01') partition by list (id)",
      'create table log_26_1 partition of log_26 for values in (1)',
      'create schema "S.x"',
      'create table "S.x"."Leaf" partition of log default',
    )
    expect(table('public.log')).toMatchObject({ kind: 'partitioned', root: null })
    expect(table('public.log_26')).toMatchObject({ kind: 'partitioned', root: null })
    expect(table('public.log_26_1')).toMatchObject({ kind: 'table', root: 'public.log' })
    expect(table('S.x.Leaf')).toMatchObject({ kind: 'table', root: 'public.log', schema: 'S.x', table: 'Leaf' })
  })

  test('views and unlogged tables are there too, so that a configuration can be told why not to name them', async () => {
    const { table } = await load(
      'create view seen as select 1 as x',
      'create materialized view kept as select 1 as x',
      'create unlogged table fast (x int)',
      'create table empty ()',
    )
    expect(table('public.seen')).toMatchObject({ kind: 'view', key: [] })
    expect(table('public.kept')).toMatchObject({ kind: 'materialized view' })
    expect(table('public.fast')).toMatchObject({ kind: 'table', persistence: 'unlogged' })
    expect(table('public.empty').columns).toEqual([])
  })

  test('types say what they are made of', async () => {
    const { type, table } = await load(
      `create type mood as enum ('sad', 'glad')`,
      'create domain positive as int check (value > 0)',
      'create domain very_positive as positive check (value > 100)',
      'create type pair as (a int, gone text, "B c" positive[])',
      'alter type pair drop attribute gone',
      'create type span as range (subtype = int)',
      'create table item (id int primary key)',
      'create table thing (moods mood[], boxes box[], pair pair, items item[])',
    )
    expect(type('mood')).toMatchObject({ kind: 'scalar' })
    expect(type('_mood')).toMatchObject({ kind: 'array', element: type('mood').oid, delimiter: ',' })
    expect(type('_box')).toMatchObject({ kind: 'array', element: 603, delimiter: ';' })
    expect(type('positive')).toMatchObject({ kind: 'domain', base: 23 })
    expect(type('very_positive')).toMatchObject({ kind: 'domain', base: type('positive').oid })
    expect(type('span')).toMatchObject({ kind: 'scalar' })
    expect(type('pair')).toMatchObject({
      kind: 'composite',
      fields: [
        { name: 'a', type: 23 },
        { name: 'B c', type: type('_positive').oid },
      ],
    })
    expect(type('item')).toMatchObject({ kind: 'composite' })
    expect(type('_item')).toMatchObject({ kind: 'array', element: type('item').oid })
    expect(table('public.thing').columns.map(({ typeOid }) => typeOid)).toEqual([
      type('_mood').oid,
      type('_box').oid,
      type('pair').oid,
      type('_item').oid,
    ])
  })

  test('what only looks like an array is a scalar', async () => {
    const { type } = await load()
    expect(type('point')).toMatchObject({ kind: 'scalar' })
    expect(type('name')).toMatchObject({ kind: 'scalar' })
    expect(type('int2vector')).toMatchObject({ kind: 'scalar' })
  })

  test('a catalog read inside a transaction is that of its snapshot', async () => {
    const db = await createDatabase(kind)
    const client = await db.client()
    await client.query('begin isolation level repeatable read')
    await client.query('select 1')
    await db.query('create table later (id int)')
    expect((await loadCatalog(client)).tables.has('public.later')).toBe(false)
    await client.query('commit')
    expect((await loadCatalog(client)).tables.has('public.later')).toBe(true)
  })
})

test.runIf(SERVER_KINDS.includes('pg15'))('hstore is told apart from other types', async () => {
  const db = await createDatabase('pg15')
  await db.query('create extension hstore')
  const { types } = await loadCatalog(await db.client())
  expect([...types.values()].filter(({ kind }) => kind === 'hstore')).toMatchObject([{ name: 'hstore' }])
})
