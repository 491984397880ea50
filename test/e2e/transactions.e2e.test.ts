import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { createMailroom } from '../support/mailroom.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { createSlots, readSlotMessages } from '../support/slot-changes.ts'
import { openStage, type Stage } from '../support/stage.ts'

const SQL = `
  create table item (id serial primary key, note text);
  create table part (id int primary key, item int references item);
  create table other (id int primary key);
  create table bulk (id int primary key)`

const YAML = `events:
  item.created: { table: public.item, on: insert }
  item.changed: { table: public.item, on: update }
  item.emptied: { table: public.item, on: truncate }
  part.created: { table: public.part, on: insert }
  part.emptied: { table: public.part, on: truncate }
  other.created: { table: public.other, on: insert }
  bulk.created: { table: public.bulk, on: insert }
`

describe.each(SERVER_KINDS)('transactions, %s', (kind) => {
  let stage: Stage
  const query = (sql: string, params?: unknown[]) => stage.database.query(sql, params)
  const open = createMailroom(() => stage)

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    await stage.start()
  })

  test('of a thousand nested and rolled back savepoints exactly what was kept is sent, in its order', async () => {
    const box = await open({ event: 'other.created', ordering: 'subscriber', batch_size: 1000 })
    // Within a block that raises, PL/pgSQL undoes it: each is a subtransaction.
    await query(`do $$ begin
      for n in 1..1000 loop
        begin
          insert into other values (n);
          begin
            insert into other values (n + 10000);
            if n % 3 = 0 then raise exception 'inner'; end if;
          exception when raise_exception then null; end;
          if n % 2 = 0 then raise division_by_zero; end if;
        exception when division_by_zero then null; end;
      end loop; end $$`)
    await stage.settled()
    const kept = Array.from({ length: 1000 }, (_, at) => at + 1).filter((n) => n % 2 === 1)
    const ids = box.bodies().flatMap((batch) => batch.map(({ data }: { data: { id: number } }) => data.id))
    expect(ids).toEqual(kept.flatMap((n) => (n % 3 === 0 ? [n] : [n, n + 10_000])))
  })

  test('a prepared transaction is sent when it is committed, ordered by that; one that is rolled back never', async () => {
    const box = await open({ event: 'item.created', ordering: 'subscriber' })
    const prepare = async (note: string, id: string) => {
      const client = await stage.database.client()
      await client.query('begin')
      await client.query('insert into item (note) values ($1)', [note])
      await client.query(`prepare transaction '${id}'`)
    }
    const [kept, undone] = [`kept_${stage.slot}`, `undone_${stage.slot}`]
    await prepare('prepared', kept)
    await prepare('undone', undone)
    await query(`insert into item (note) values ('meanwhile')`)
    await stage.settled()
    expect(box.bodies().map(({ data }) => data.note)).toEqual(['meanwhile'])

    await query(`rollback prepared '${undone}'`)
    await query(`insert into item (note) values ('before')`)
    await query(`commit prepared '${kept}'`)
    await query(`insert into item (note) values ('after')`)
    await stage.settled()
    expect(box.bodies().map(({ data }) => data.note)).toEqual(['meanwhile', 'before', 'prepared', 'after'])
    const times = box.bodies().map(({ meta }) => meta.committed_at)
    expect(times).toEqual(times.toSorted()) // that of COMMIT PREPARED, not of PREPARE
  })

  test('TRUNCATE tells of each of its tables once, also of those it reached by a foreign key', async () => {
    const box = await open({ event: '*', ordering: 'subscriber' })
    await query(`truncate item restart identity cascade`)
    await query(`insert into item (note) values ('first')`)
    await query('insert into part values (1, 1)')
    await query('begin; truncate part; truncate item cascade; rollback')
    await query('truncate part, item, other restart identity')
    await query(`insert into item (note) values ('again')`)
    await stage.settled()
    const told = box
      .bodies()
      .flatMap(({ event, data, meta }) => (meta.op === 'emit' ? [] : [[event, data.id, meta.key]]))
    const [first, second] = [told.slice(0, 2), told.slice(4, 6)]
    const both = [
      ['item.emptied', undefined, null],
      ['part.emptied', undefined, null],
    ]
    expect(first.toSorted()).toEqual(both)
    expect(second.toSorted()).toEqual(both)
    expect(told.toSpliced(4, 2).slice(2)).toEqual([
      ['item.created', 1, { id: 1 }],
      ['part.created', 1, { id: 1 }],
      ['item.created', 1, { id: 1 }],
    ])
    expect(told).toHaveLength(7)
    expect(new Set(box.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(box.requests.length)
  })

  test('ten thousand rows of one COPY have an id each', async () => {
    const box = await open({ event: 'bulk.created', ordering: 'subscriber', batch_size: 1000 })
    await query(`copy bulk from program 'seq 10000'`)
    await stage.settled()
    const bodies = box.bodies().flat()
    expect(bodies.map(({ data }) => data.id)).toEqual(Array.from({ length: 10_000 }, (_, at) => at + 1))
    expect(new Set(bodies.map(({ meta }) => meta.id)).size).toBe(10_000)
    expect(new Set(bodies.map(({ meta }) => meta.lsn)).size).toBeLessThan(1000) // or COPY is not what it was
  })

  test('interleaved transactions of many writers arrive whole and in the order of their commits', async () => {
    const box = await open({ event: 'item.*', ordering: 'subscriber', batch_size: 100 })
    const slot = `witness_${stage.slot}`
    const witness = await stage.database.client()
    await createSlots(witness, new Map([['pgoutput', slot]]))
    const writers = await Promise.all(Array.from({ length: 32 }, () => stage.database.client()))
    for (let round = 0; round < 4; round++) await interleave(writers)
    await stage.settled()
    const committed = xidsOf(await readSlotMessages(witness, 'pgoutput', slot))
    await witness.query('select pg_drop_replication_slot($1)', [slot])
    await witness.query('drop publication everything')
    const sent: number[] = box
      .bodies()
      .flatMap((batch) => batch.map((body: { meta: { xid: number } }) => body.meta.xid))
    const transactions = sent.filter((xid, at) => xid !== sent[at - 1])
    expect(transactions).toHaveLength(4 * 32)
    expect(transactions).toEqual(committed.filter((xid) => sent.includes(xid)))
    expect(sent).toHaveLength(4 * 32 * 3)
    expect(transactions).not.toEqual(transactions.toSorted((a, b) => a - b)) // or nothing was interleaved
  })

  test('what pg_logical_emit_message writes outside of transactions is no event, whatever becomes of them', async () => {
    const box = await open({ event: '*' })
    const emit = (isTransactional: boolean) =>
      `select pg_logical_emit_message(${isTransactional}, 'hookd', '{"event":"item.created","data":{}}')`
    await query(emit(false))
    await query(`begin; ${emit(false)}; insert into other values (20001); ${emit(false)}; rollback`)
    await query(`begin; ${emit(false)}; insert into other values (20002); ${emit(false)}; commit`)
    await stage.settled()
    expect(box.events().filter((event) => event !== 'test.marker')).toEqual(['other.created'])
    expect(await query('select * from hookd.errors')).toEqual([])
  })
})

/** Every writer has three statements under way with those of the others in between; they commit in another order. */
async function interleave(writers: readonly pg.Client[]): Promise<void> {
  for (const statement of ['begin', ...Array.from({ length: 3 }, () => 'insert into item default values')]) {
    await Promise.all(writers.map((writer) => writer.query(statement)))
  }
  await Promise.all(writers.toReversed().map((writer) => writer.query('commit')))
}

/** The transactions of a slot in the server's own order, from the messages with which they begin. */
function xidsOf(messages: readonly { readonly data: Buffer }[]): number[] {
  return messages.filter(({ data }) => data[0] === 0x42).map(({ data }) => data.readUInt32BE(17))
}
