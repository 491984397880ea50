import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/postgres/catalog.ts'
import { loadCatalog } from '../../src/postgres/load-catalog.ts'
import { type Change, type RowChange, Unreadable } from '../../src/replication/change.ts'
import { type Database, createDatabase, type Plugin, SERVER_KINDS, type ServerKind } from '../support/postgres.ts'
import { pinnedSession } from '../support/session.ts'
import { createSlots, decoderOf, LIMITS, readSlotMessages, RecordingSink } from '../support/slot-changes.ts'

const PLUGINS: Readonly<Record<ServerKind, readonly Plugin[]>> = { pg15: ['wal2json', 'pgoutput'], pg18: ['pgoutput'] }
const BOTH = SERVER_KINDS.filter((kind) => PLUGINS[kind].length === 2)
const EACH = SERVER_KINDS.flatMap((kind) => PLUGINS[kind].map((plugin) => [kind, plugin] as const))

/** A database with a slot per plugin, whose changes are decoded with the catalog of the moment of reading. */
class Recorded {
  readonly client: pg.Client
  readonly #database: Database

  static async setUp(kind: ServerKind, schema: string): Promise<Recorded> {
    const database = await createDatabase(kind)
    const recorded = new Recorded(database, await pinnedSession(database))
    await recorded.client.query(schema)
    await createSlots(recorded.client, new Map(PLUGINS[kind].map((plugin) => [plugin, recorded.#slot(plugin)])))
    return recorded
  }

  private constructor(database: Database, client: pg.Client) {
    this.#database = database
    this.client = client
  }

  async run(...statements: readonly string[]): Promise<void> {
    for (const statement of statements) await this.client.query(statement)
  }

  async read(plugin: Plugin, options: { catalog?: Catalog; limits?: typeof LIMITS } = {}): Promise<RecordingSink> {
    const sink = new RecordingSink()
    const catalog = options.catalog ?? (await loadCatalog(this.client))
    const decoder = decoderOf(plugin, sink, catalog, options.limits)
    const messages = await readSlotMessages(this.client, plugin, this.#slot(plugin))
    for (const { data, lsn } of messages) decoder.decode(data, lsn)
    return sink
  }

  #slot(plugin: Plugin): string {
    return `${this.#database.name}_${plugin}`
  }
}

function rows(changes: readonly Change[]): RowChange[] {
  return changes.map((change) => {
    if (change.kind !== 'row') throw new Error(`${change.kind} is not a row`)
    return change
  })
}

/** What the changes hold, without where they come from. */
function summary(changes: readonly Change[]): unknown[] {
  return rows(changes).map(({ op, old, oldComplete, new: now }) => [
    op,
    old && old.cells,
    oldComplete,
    now && now.cells,
  ])
}

const EVERYTHING = `
  create table plain (id int primary key, name text, price numeric, at timestamptz, raw bytea, ok bool, o oid);
  create table whole (id int primary key, body text, n int);
  alter table whole replica identity full;
  alter table whole alter body set storage external;
  create table toasted (id int primary key, body text, n int, tail text);
  alter table toasted alter body set storage external;
  create table "by Index" (a int not null, "b ""q"" é" text not null, c text, d int primary key);
  create unique index by_b on "by Index" ("b ""q"" é") include (c);
  alter table "by Index" replica identity using index by_b;
  create table covered (id int, extra int, primary key (id) include (extra));
  create table pair (second int, first int, x text, primary key (first, second));
  create table generated (id int primary key, a int, b int generated always as (a * 2) stored, c text);
  alter table generated replica identity full;
  create table unkeyed (a int, b text);
  create table wholly_unkeyed (a int, b text);
  alter table wholly_unkeyed replica identity full;
  create table shrunk (gone int, id int primary key, a text);
  alter table shrunk drop gone;
  create table parted (id int primary key, a text) partition by range (id);
  create table parted_low partition of parted for values from (0) to (100);
  create table parted_high partition of parted for values from (100) to (200);
  create table empty_row ();
  create schema "other Schema";
  create table "other Schema"."T.x" (id int primary key, v text);
  create domain small as int;
  create table domains (id small primary key, f bool, d small);
`

const SCRIPT: readonly string[] = [
  `insert into plain values (1, 'é "q" \\ / 漢🎉', 1.50, '2026-01-13 10:00+00', '\\xff00', true, 4000000000), (2, null, null, null, null, null, null)`,
  `update plain set name = 'new' where id = 1`,
  `update plain set id = 10 where id = 1`,
  `update plain set id = id + 100`,
  `delete from plain where id = 110`,
  `insert into whole values (1, repeat('long ', 3000), 1), (2, null, 2)`,
  `update whole set n = n + 1`,
  `update whole set id = 5 where id = 1`,
  `update whole set body = 'short'`,
  `delete from whole`,
  `insert into toasted values (1, repeat('long ', 3000), 1, 'tail'), (2, 'short', 2, repeat('x', 3000))`,
  `update toasted set n = n + 1`,
  `update toasted set id = id + 10`,
  `update toasted set body = 'now short' where id = 11`,
  `delete from toasted`,
  `insert into "by Index" values (1, 'b', 'c', 1), (2, repeat('é', 20), null, 2)`,
  `update "by Index" set a = 3`,
  `update "by Index" set "b ""q"" é" = "b ""q"" é" || '!'`,
  `update "by Index" set d = d + 10`,
  `delete from "by Index" where a = 3`,
  `insert into covered values (1, 2)`,
  `update covered set id = 3`,
  `delete from covered`,
  `insert into pair values (1, 2, 'x')`,
  `update pair set second = 5`,
  `delete from pair`,
  `insert into generated (id, a, c) values (1, 2, 'c')`,
  `update generated set a = 5`,
  `update generated set c = null`,
  `delete from generated`,
  `insert into unkeyed values (1, 'a')`,
  `insert into wholly_unkeyed values (1, 'a')`,
  `update wholly_unkeyed set b = null`,
  `delete from wholly_unkeyed`,
  `insert into shrunk values (1, 'a')`,
  `update shrunk set id = 2, a = 'b'`,
  `delete from shrunk`,
  `insert into parted values (1, 'low'), (101, 'high')`,
  `update parted set id = 102 where id = 1`,
  `insert into empty_row default values`,
  `insert into "other Schema"."T.x" values (1, E'\\x01\\x1f\\n"')`,
  `update "other Schema"."T.x" set v = repeat(E'\\\\"\\n', 30000)`,
  `insert into domains values (1, true, 3)`,
  `delete from domains`,
  `begin; savepoint a; insert into plain values (900); rollback to a; insert into plain values (901); commit`,
  `begin; insert into plain values (902); rollback`,
  `begin;
     select pg_logical_emit_message(true, 'hookd', 'first é "q"');
     insert into plain values (903);
     select pg_logical_emit_message(true, 'elsewhere', 'not ours');
     select pg_logical_emit_message(false, 'hookd', 'not transactional');
     select pg_logical_emit_message(true, 'hookd', '');
     update plain set name = 'x' where id = 903;
     commit`,
  `truncate plain, toasted`,
  `truncate parted_low`,
  `copy (select 1) to stdout`,
]

describe.each(BOTH)('on %s', (kind) => {
  test('both plugins give the same transactions and the same changes', async () => {
    const recorded = await Recorded.setUp(kind, EVERYTHING)
    await recorded.run(...SCRIPT.slice(0, -1))

    const wal2json = await recorded.read('wal2json')
    const pgoutput = await recorded.read('pgoutput')

    expect(wal2json.changes.length).toBeGreaterThan(60)
    for (const [i, change] of wal2json.changes.entries()) expect(change).toEqual(pgoutput.changes[i])
    expect(wal2json).toEqual(pgoutput)
    expect(wal2json.changes.filter(({ kind: what }) => what === 'undecodable')).toEqual([])
  })
})
