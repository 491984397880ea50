/** Tables of every replica identity and shape. */
export const TABLES = `
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

/** Changes of all kinds to `TABLES`. */
export const CHANGES: readonly string[] = [
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
]
