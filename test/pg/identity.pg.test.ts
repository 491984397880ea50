import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { tableProblem } from '../../src/config/tables.ts'
import { judgeTables } from '../../src/postgres/judge-tables.ts'
import { loadCatalog } from '../../src/postgres/load-catalog.ts'
import { createDatabase, type Plugin, SERVER_KINDS, type ServerKind } from '../support/postgres.ts'
import { pinnedSession } from '../support/session.ts'
import { createSlots, decoderOf, readSlotMessages, RecordingSink } from '../support/slot-changes.ts'

const PLUGINS: Readonly<Record<ServerKind, readonly Plugin[]>> = { pg15: ['wal2json', 'pgoutput'], pg18: ['pgoutput'] }
const EACH = SERVER_KINDS.flatMap((kind) => PLUGINS[kind].map((plugin) => [kind, plugin] as const))

/** Statements that give a table a replica identity, and whether Postgres can then tell a row of it from the others. */
const IDENTITIES = {
  primary: ['create table primary_ (id int primary key, a int)', true],
  unkeyed: ['create table unkeyed (id int, a int)', false],
  unique_only: ['create table unique_only (id int not null unique, a int)', false],
  by_index: [
    'create table by_index (id int not null unique, a int); alter table by_index replica identity using index by_index_id_key',
    true,
  ],
  index_gone: [
    `create table index_gone (id int not null unique, a int);
     alter table index_gone replica identity using index index_gone_id_key; alter table index_gone drop constraint index_gone_id_key`,
    false,
  ],
  nothing: ['create table nothing (id int primary key, a int); alter table nothing replica identity nothing', false],
  whole: ['create table whole (id int, a int); alter table whole replica identity full', true],
} as const

async function isRefused(client: pg.Client, sql: string): Promise<boolean> {
  return client.query(sql).then(
    () => false,
    () => true,
  )
}

describe.each(EACH)('on %s with %s', (kind, plugin) => {
  test('what is judged to be invisible, or refused to the application, is just that', async () => {
    const client = await pinnedSession(await createDatabase(kind))
    for (const [sql] of Object.values(IDENTITIES)) await client.query(sql)
    const tables = Object.keys(IDENTITIES).map((name) => (name === 'primary' ? 'primary_' : name))
    const catalog = await loadCatalog(client)
    const judged = judgeTables(
      tables.map((name) => `public.${name}`),
      catalog,
      plugin,
    )
    const slot = `identity_${plugin}_${process.pid}_${kind}`
    if (plugin === 'pgoutput') await createSlots(client, new Map([[plugin, slot]]))
    else await client.query('select pg_create_logical_replication_slot($1, $2)', [slot, plugin])

    const refused: string[] = []
    for (const table of tables) {
      await client.query(`insert into ${table} values (1, 1)`)
      const statements = [`update ${table} set a = 2`, `update ${table} set id = 2`, `delete from ${table}`]
      const failed = []
      for (const sql of statements) failed.push(await isRefused(client, sql))
      if (failed.includes(true)) refused.push(table)
    }
    const sink = new RecordingSink()
    const decoder = decoderOf(plugin, sink, catalog)
    for (const { data, lsn } of await readSlotMessages(client, plugin, slot)) decoder.decode(data, lsn)
    const sent = (table: string) =>
      sink.changes.flatMap((change) => (change.kind === 'row' && change.relation.table === table ? change.op : []))

    const blind = Object.values(IDENTITIES).flatMap(([, isTold], at) => (isTold ? [] : tables[at]!))
    expect(judged.map(({ message }) => /^public\.(\w+)/.exec(message)?.[1])).toEqual(blind)
    expect(refused).toEqual(plugin === 'pgoutput' ? blind : [])
    for (const table of tables) {
      expect([table, sent(table)]).toEqual([
        table,
        blind.includes(table) ? ['insert'] : ['insert', 'update', 'update', 'delete'],
      ])
    }
  })
})

describe.each(SERVER_KINDS)('on %s', (kind) => {
  test('relations that are never decoded are told from those that are, each with a reason', async () => {
    const client = await pinnedSession(await createDatabase(kind))
    await client.query(`
      create table plain (id int primary key);
      create unlogged table fast (id int primary key);
      create temporary table of_this_session (id int primary key);
      create view seen as select * from plain;
      create materialized view kept as select * from plain;
      create table parts (id int primary key) partition by list (id);
      create table part partition of parts default;
      create table child () inherits (plain);
      create foreign data wrapper nowhere; create server elsewhere foreign data wrapper nowhere;
      create foreign table remote (id int) server elsewhere`)
    const { tables } = await loadCatalog(client)
    const problems = [...tables.values()]
      .map((table) => [table.table, tableProblem(table)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    expect(problems).toEqual([
      ['child', null],
      ['fast', expect.stringContaining('run: ALTER TABLE public.fast SET LOGGED;')],
      ['kept', expect.stringContaining('is a materialized view')],
      ['part', expect.stringContaining('declare the event on "public.parts"')],
      ['parts', null],
      ['plain', null],
      ['remote', expect.stringContaining('is a foreign table')],
      ['seen', expect.stringContaining('is a view')],
    ])
  })
})
