import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SERVER_KINDS } from '../support/postgres.ts'
import { aBench, aDelivery, delivered, failed, SUBSCRIBER } from './ledger.ts'
import type { Bench } from './ledger.ts'

const CANARY = 'canary-5e1f'
const SEVEN = `{"n":7,"token":"${CANARY}"}`

/** A trigger whose message quotes the whole row. */
function raising(table: string, when: string, code: string): string {
  return `
    create function refuse() returns trigger language plpgsql as $$
    begin raise exception 'not %', new using errcode = '${code}'; end $$;
    create trigger refuse before insert or update on ${table} for each row when (${when}) execute function refuse()`
}

function check(table: string, condition: string): string {
  return `alter table hookd.${table} add constraint "not mine" check (${condition})`
}

function states(bench: Bench) {
  return bench.db.query(
    `select d.state, d.last_error as error, convert_from(m.body, 'UTF8') as body
     from hookd.deliveries d join hookd.messages m on m.id = d.message_id and m.variant = d.variant
     where d.message_id = 'msg_7'`,
  )
}

async function errors(bench: Bench): Promise<string[]> {
  const rows = await bench.db.query(`select message from hookd.errors where kind = 'ledger'`)
  return rows.map(({ message }) => message)
}

/** More than an index row holds, also compressed. */
const LONG = randomBytes(9000).toString('base64')

interface Wanted {
  /** Of the dead letter. */
  readonly body: string
  readonly why: string
  readonly key?: string
}

describe.each(SERVER_KINDS)('what Postgres refuses to store, on %s', (kind) => {
  test.each<[string, string, Wanted]>([
    ['a key', check('deliveries', `row_key <> 'x7'`), { body: SEVEN, why: 'by "not mine" (SQLSTATE 23514)' }],
    ['an index row', '', { body: SEVEN, why: '(SQLSTATE 54000)', key: LONG }],
    ['data', raising('hookd.deliveries', `new.row_key = 'x7'`, '22023'), { body: SEVEN, why: '(SQLSTATE 22023)' }],
    ['a body', check('messages', `position('canary'::bytea in body) = 0`), { body: '', why: '(SQLSTATE 23514)' }],
  ])('%s: is a dead letter with the reason; the others, and the position, go on', async (_, sql, wanted) => {
    const bench = await aBench(kind)
    await bench.db.query(sql)
    for (let n = 1; n <= 20; n++) {
      const shape = n === 7 ? { body: Buffer.from(SEVEN), key: wanted.key ?? 'x7' } : {}
      bench.writer.store(aDelivery(n, shape))
    }
    await bench.flush()
    expect(await states(bench)).toEqual([
      {
        state: 'dead',
        error: expect.stringContaining(wanted.why),
        body: wanted.body,
      },
    ])
    expect(await bench.db.query(`select count(*)::int as n from hookd.deliveries where state = 'pending'`)).toEqual([
      { n: 19 },
    ])
    expect([bench.recorded, bench.failures, bench.held]).toEqual([[0x100n], [], 0])
    expect(bench.refusals).toMatchObject([{ subscriberId: SUBSCRIBER }])
    expect(JSON.stringify([bench.refusals, await errors(bench)])).not.toContain(CANARY)
  })

  test('in any form: is an error row that names the delivery', async () => {
    const bench = await aBench(kind)
    await bench.db.query(check('messages', `id <> 'msg_7'`))
    const [seven, eight] = [aDelivery(7), aDelivery(8)]
    bench.writer.store(seven)
    bench.writer.store(eight)
    await bench.flush()
    expect(await bench.db.query('select message_id, state from hookd.deliveries')).toEqual([
      { message_id: 'msg_8', state: 'pending' },
    ])
    expect(await errors(bench)).toEqual([
      `delivery ${seven.id}: Postgres refuses to store it by "not mine" (SQLSTATE 23514)`,
    ])
    expect(bench.recorded).toEqual([0x100n])
  })

  test('of an attempt, an outcome or an error: is put aside alone, and what was delivered stays delivered', async () => {
    const bench = await aBench(kind)
    const deliveries = [7, 8, 9].map((n) => aDelivery(n))
    for (const delivery of deliveries) bench.writer.store(delivery)
    await bench.flush()
    await bench.db.query(check('deliveries', `url is null or url = '' or row_key !~ '[78]$'`))
    await bench.db.query(check('attempts', `status <> 500`))
    await bench.db.query(check('errors', `event is null`))
    for (const delivery of deliveries) delivery.attempts++
    bench.writer.postpone(deliveries[0]!, failed(), Date.now() + 60_000)
    bench.writer.settle(deliveries[1]!, 'delivered', delivered())
    bench.writer.postpone(deliveries[2]!, failed(503), Date.now() + 60_000)
    const error = { kind: 'filter', event: 'x', table: null, rowKeyJson: null, lsn: null, subscriberId: null }
    bench.writer.error({ ...error, id: '22222222-2222-2222-2222-222222222222', message: CANARY })
    await bench.flush()
    expect(
      await bench.db.query('select state, attempts, last_status as status from hookd.deliveries order by commit_lsn'),
    ).toEqual([
      { state: 'dead', attempts: 1, status: null },
      { state: 'delivered', attempts: 1, status: null },
      { state: 'pending', attempts: 1, status: 503 },
    ])
    expect(await bench.db.query('select status from hookd.attempts order by status')).toEqual([
      { status: 200 },
      { status: 503 },
    ])
    const refused = 'Postgres refuses to store it by "not mine" (SQLSTATE 23514)'
    expect((await errors(bench)).toSorted()).toEqual([
      `attempt 1 of delivery ${deliveries[0]!.id}: ${refused}`,
      `error 22222222-2222-2222-2222-222222222222 of kind filter: ${refused}`,
    ])
    expect(bench.refusals.map(({ subscriberId }) => subscriberId)).toEqual([SUBSCRIBER, SUBSCRIBER, null, null])
    expect([bench.failures, bench.held]).toEqual([[], 0])
  })

  test('leaves nothing behind where another process has the slot', async () => {
    const bench = await aBench(kind)
    await bench.db.query(check('deliveries', `row_key not like '%:7'`))
    await bench.db.query('update hookd.progress set epoch = 2')
    bench.writer.store(aDelivery(7))
    await expect(bench.flush()).rejects.toMatchObject({ code: 'HOOKD_FENCED' })
    expect(await bench.db.query('select from hookd.deliveries')).toEqual([])
    expect(bench.refusals).toEqual([])
  })
})
