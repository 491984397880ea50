import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/postgres/catalog.ts'
import { loadCatalog } from '../../src/postgres/load-catalog.ts'
import { type Change, type RowChange, Unreadable } from '../../src/replication/change.ts'
import { Wal2jsonDecoder } from '../../src/replication/wal2json.ts'
import { CHANGES, TABLES } from '../support/every-change.ts'
import { type Database, createDatabase, type Plugin, SERVER_KINDS, type ServerKind } from '../support/postgres.ts'
import { pinnedSession } from '../support/session.ts'
import { createSlots, decoderOf, LIMITS, readSlotMessages, RecordingSink } from '../support/slot-changes.ts'
import { streamSlot } from '../support/slot-stream.ts'

const PLUGINS: Readonly<Record<ServerKind, readonly Plugin[]>> = { pg15: ['wal2json', 'pgoutput'], pg18: ['pgoutput'] }
const WITH_BOTH = SERVER_KINDS.filter((kind) => PLUGINS[kind].length === 2)
const EACH = SERVER_KINDS.flatMap((kind) => PLUGINS[kind].map((plugin) => [kind, plugin] as const))

/** A database with a slot for each plugin. */
class Recording {
  readonly client: pg.Client
  readonly database: Database

  static async start(kind: ServerKind, schema: string): Promise<Recording> {
    const database = await createDatabase(kind)
    const recording = new Recording(database, await pinnedSession(database))
    await recording.client.query(schema)
    await createSlots(recording.client, new Map(PLUGINS[kind].map((plugin) => [plugin, recording.slot(plugin)])))
    return recording
  }

  private constructor(database: Database, client: pg.Client) {
    this.database = database
    this.client = client
  }

  slot(plugin: Plugin): string {
    return `${this.database.name}_${plugin}`
  }

  async run(...statements: readonly string[]): Promise<void> {
    for (const statement of statements) await this.client.query(statement)
  }

  /** What the plugin's decoder makes of all that happened since the last time, by default with the catalog of now. */
  async read(plugin: Plugin, options: { catalog?: Catalog; limits?: typeof LIMITS } = {}): Promise<RecordingSink> {
    const sink = new RecordingSink()
    const decoder = decoderOf(plugin, sink, options.catalog ?? (await loadCatalog(this.client)), options.limits)
    const messages = await readSlotMessages(this.client, plugin, this.slot(plugin))
    for (const { data, lsn } of messages) decoder.decode(data, lsn)
    return sink
  }
}

/** What happened to the rows, without where it happened. */
function rowsOf(sink: RecordingSink): unknown[] {
  return sink.changes.map(asRow).map(({ op, old, oldComplete, new: now }) => [op, old?.cells, oldComplete, now?.cells])
}

/** Transactions without changes, such as those of autovacuum, are sent by wal2json alone. */
function withoutEmpty({ changes, begun, committed }: RecordingSink): unknown {
  const xids = new Set(changes.map(({ transaction }) => transaction.xid))
  return {
    changes,
    begun: begun.filter(({ xid }) => xids.has(xid)),
    committed: committed.filter(({ transaction }) => xids.has(transaction.xid)),
  }
}

function asRow(change: Change): RowChange {
  if (change.kind !== 'row') throw new Error(`${change.kind} is not a row`)
  return change
}

describe.each(WITH_BOTH)('on %s', (kind) => {
  test('both plugins give the same transactions and the same changes', async () => {
    const recording = await Recording.start(kind, TABLES)
    await recording.run(...CHANGES)

    const wal2json = await recording.read('wal2json')
    const pgoutput = await recording.read('pgoutput')

    expect(wal2json.changes.length).toBeGreaterThan(60)
    expect(wal2json.changes.filter((change) => change.kind === 'undecodable')).toEqual([])
    expect(withoutEmpty(wal2json)).toEqual(withoutEmpty(pgoutput))
  })

  test('both plugins give the same while the catalog is behind or ahead of the stream', async () => {
    const recording = await Recording.start(kind, 'create table t (id int primary key, a text, b int)')
    const before = await loadCatalog(recording.client)
    await recording.run(
      `insert into t values (1, 'a', 1)`,
      `alter table t add c text default 'c'`,
      `insert into t values (2, 'a', 2, 'x')`,
      `update t set b = b + 1`,
      `alter table t drop b`,
      `insert into t values (3, 'a', 'x')`,
      `delete from t where id = 3`,
      `alter table t rename a to z`,
      `update t set id = 7 where id = 2`,
      `alter table t alter id type int8`,
      `insert into t values (9000000000, 'a', 'x')`,
      `drop table t`,
    )
    const after = await loadCatalog(recording.client)
    const messages = {
      wal2json: await readSlotMessages(recording.client, 'wal2json', recording.slot('wal2json')),
      pgoutput: await readSlotMessages(recording.client, 'pgoutput', recording.slot('pgoutput')),
    }

    const decoded = (plugin: Plugin, catalog: Catalog): RecordingSink => {
      const sink = new RecordingSink()
      const decoder = decoderOf(plugin, sink, catalog)
      for (const { data, lsn } of messages[plugin]) decoder.decode(data, lsn)
      return sink
    }

    expect(decoded('wal2json', before).changes).toEqual(decoded('pgoutput', before).changes)
    expect(decoded('wal2json', after).changes).toEqual(decoded('pgoutput', after).changes)
  })
})

describe.each(EACH)('on %s, through %s', (kind, plugin) => {
  test('an old row is the whole row under FULL, else the key if it changed', async () => {
    const recording = await Recording.start(
      kind,
      `create table d (id int primary key, a text);
       create table f (id int primary key, a text);
       alter table f replica identity full`,
    )
    for (const table of ['d', 'f']) {
      await recording.run(
        `insert into ${table} values (1, 'x')`,
        `update ${table} set a = 'y'`,
        `update ${table} set id = 2`,
        `delete from ${table}`,
      )
    }

    expect(rowsOf(await recording.read(plugin))).toEqual([
      ['insert', undefined, false, ['1', 'x']],
      ['update', undefined, false, ['1', 'y']],
      ['update', ['1', undefined], false, ['2', 'y']],
      ['delete', ['2', undefined], false, undefined],
      ['insert', undefined, false, ['1', 'x']],
      ['update', ['1', 'x'], true, ['1', 'y']],
      ['update', ['1', 'y'], true, ['2', 'y']],
      ['delete', ['2', 'y'], true, undefined],
    ])
  })

  test('an unchanged TOASTed value comes from the old row under FULL and is unknown otherwise', async () => {
    const recording = await Recording.start(
      kind,
      `create table d (id int primary key, a text, n int);
       alter table d alter a set storage external;
       create table f (like d including all);
       alter table f replica identity full`,
    )
    const long = 'x'.repeat(10_000)
    for (const table of ['d', 'f']) {
      await recording.run(`insert into ${table} values (1, '${long}', 1)`, `update ${table} set n = 2`)
    }

    const [, underDefault, , underFull] = rowsOf(await recording.read(plugin))

    expect(underDefault).toEqual(['update', undefined, false, ['1', undefined, '2']])
    expect(underFull).toEqual(['update', ['1', long, '1'], true, ['1', long, '2']])
  })

  test('rows that COPY writes under one LSN get ordinals', async () => {
    const recording = await Recording.start(kind, 'create table t (id int primary key)')
    await recording.run(`copy t from program 'seq 5'`)

    const { changes } = await recording.read(plugin)

    expect(new Set(changes.map(({ lsn }) => lsn)).size).toBe(1)
    expect(changes.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2, 3, 4])
  })

  test('an emitted message and the row right behind it share an LSN and differ in their ordinals', async () => {
    const recording = await Recording.start(kind, 'create table t (id int primary key)')
    for (let id = 0; id < 20; id++) {
      await recording.run(
        `begin; select pg_logical_emit_message(true, 'hookd', 'é'); insert into t values (${id}); commit`,
      )
    }

    const { changes } = await recording.read(plugin)

    // Another session's WAL may lie between the two.
    const behind = changes.filter((change, i) => change.kind === 'row' && change.lsn === changes[i - 1]?.lsn)
    expect(behind.length).toBeGreaterThan(0)
    expect(behind.map(({ ordinal }) => ordinal)).toEqual(behind.map(() => 1))
    expect(new Set(changes.map(({ lsn, ordinal }) => `${lsn} ${ordinal}`)).size).toBe(40)
  })

  test('a value or a row beyond the limits loses what is too large, never the key', async () => {
    const recording = await Recording.start(
      kind,
      'create table t (a text, b text, c text, d bytea, id text primary key)',
    )
    await recording.run(
      `insert into t values (repeat('é"', 500), 'small', repeat('x', 1501), '\\x00', 'one')`,
      `insert into t select repeat('a', 900), repeat('b', 900), repeat('c', 900), '\\x00', repeat('k', 600)`,
    )

    const rows = rowsOf(await recording.read(plugin, { limits: { maxCellBytes: 1500, maxMessageBytes: 2000 } }))

    const tooLarge = new Unreadable('exceeds the limit of 1500 bytes for a value')
    const leftOut = new Unreadable('was left out, because its row exceeds 2000 bytes')
    expect(rows).toEqual([
      ['insert', undefined, false, ['é"'.repeat(500), 'small', tooLarge, '\\x00', 'one']],
      ['insert', undefined, false, ['a'.repeat(900), 'b'.repeat(900), leftOut, leftOut, 'k'.repeat(600)]],
    ])
  })

  test('a walsender sends what the SQL functions give, under the same LSNs', async () => {
    const recording = await Recording.start(kind, TABLES)
    await recording.run(...CHANGES)
    const catalog = await loadCatalog(recording.client)
    const streamed = new RecordingSink()
    const decoder = decoderOf(plugin, streamed, catalog)
    for (const part of await streamSlot(recording.database, { plugin, name: recording.slot(plugin) })) {
      if (part.kind === 'message') decoder.decode(part.data, part.lsn)
    }

    expect(withoutEmpty(streamed)).toEqual(withoutEmpty(await recording.read(plugin, { catalog })))
  })
})

describe.each(WITH_BOTH)('NaN and the infinities through wal2json on %s', (kind) => {
  const SPECIALS = `create table n (id int primary key, a float8, b numeric, c float4 not null)`
  const INSERTS = [
    `insert into n values (1, 'NaN', 'Infinity', '-Infinity')`,
    `insert into n values (2, null, null, 1)`,
    `insert into n values (3, null, null, 'NaN')`,
    `insert into n values (4, 'NaN', null, 1)`,
    `update n set c = 2 where id = 1`,
  ]
  const HIDDEN = new Unreadable('is NaN or an infinity, which wal2json cannot carry; use --plugin pgoutput')
  const AMBIGUOUS = new Unreadable(
    'is NULL, NaN or an infinity, which wal2json does not tell apart here; use --plugin pgoutput',
  )

  async function cellsOf(settings: Record<string, string>, announcesSpecials: boolean): Promise<unknown[]> {
    const recording = await Recording.start(kind, SPECIALS)
    await recording.run(...INSERTS)
    const catalog = await loadCatalog(recording.client)
    const sink = new RecordingSink()
    const decoder = new Wal2jsonDecoder(
      sink,
      { table: (name) => catalog.tables.get(name) },
      { ...LIMITS, announcesSpecials },
    )
    const name = recording.slot('wal2json')
    for (const part of await streamSlot(recording.database, { plugin: 'wal2json', name, settings })) {
      if (part.kind === 'message') decoder.decode(part.data, part.lsn)
      else decoder.notice(part.text)
    }
    return sink.changes.map((change) => asRow(change).new?.cells)
  }

  test('are unreadable where the column cannot be NULL, and read as NULL elsewhere', async () => {
    expect(await cellsOf({}, false)).toEqual([
      ['1', null, null, HIDDEN],
      ['2', null, null, '1'],
      ['3', null, null, HIDDEN],
      ['4', null, null, '1'],
      ['1', null, null, '2'],
    ])
  })

  test('are read, or known to be uncertain, where the server announces them', async () => {
    expect(await cellsOf({ client_min_messages: 'debug1' }, true)).toEqual([
      ['1', 'NaN', 'Infinity', '-Infinity'],
      ['2', null, null, '1'],
      ['3', null, null, 'NaN'],
      ['4', AMBIGUOUS, AMBIGUOUS, '1'],
      ['1', 'NaN', 'Infinity', '2'],
    ])
  })
})
