import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Hookd } from '../support/hookd.ts'
import { createMailroom } from '../support/mailroom.ts'
import { freePort } from '../support/ports.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const SQL = `
  create table item (id int primary key, v int);
  alter table item replica identity full;
  create table other (id int primary key)`

const YAML = `events:
  item.created: { table: public.item, on: insert }
  item.changed: { table: public.item, on: update }
  other.created: { table: public.other, on: insert }
delivery: { spill_after: 500ms, retry: { schedule: [30ms, 30ms, 30ms] } }
recipients: { ports: any, block_internal: false, block_cidrs: [127.0.0.66/32] }
`

const OFTEN = { schedule: Array.from({ length: 100 }, () => '100ms') }

/** One row for each thing that can be wrong with one; they say nothing of what the trigger would have said. */
const BROKEN_ROWS = `
  insert into hookd.subscribers (event, url, batch_wait, headers, retry, hmac_digest, hmac_secret, concurrency, timeout)
  select case g % 9 when 0 then 'a..b' else 'other.*' end,
    case g % 9 when 1 then 'javascript:alert(1)' else 'http://127.0.0.1:1/' end,
    case g % 9 when 2 then interval '-1 day' else '0' end,
    case g % 9 when 3 then '[1]'::jsonb else '{}' end,
    case g % 9 when 4 then '{"schedule": "never"}'::jsonb end,
    case g % 9 when 5 then 'md5' else 'sha256' end,
    case g % 9 when 6 then 'x' else 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=' end,
    case g % 9 when 7 then -1 else 8 end,
    case g % 9 when 8 then interval '1 year' end
  from generate_series(0, 899) g`

describe.each(SERVER_KINDS)('operators and their tables, %s', (kind) => {
  let stage: Stage
  let hookd: Hookd
  let telemetry: string
  let lastId = 0
  const query = (sql: string, params?: unknown[]) => stage.database.query(sql, params)
  const open = createMailroom(() => stage)
  const insert = async (count = 1) => {
    await query('insert into item select g, 1 from generate_series($1::int, $2::int) g', [lastId + 1, lastId + count])
    return (lastId += count)
  }
  const states = async (id: string) => {
    const counts = 'select state, count(*)::int as n from hookd.deliveries where subscriber_id = $1 group by 1'
    return Object.fromEntries((await query(counts, [id])).map(({ state, n }) => [state, n]))
  }
  const withoutTriggers = (sql: string) =>
    query(`begin; alter table hookd.subscribers disable trigger user; ${sql};
      alter table hookd.subscribers enable trigger user; commit`)

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    hookd = await stage.start({ args: ['--listen', '127.0.0.1:0'] })
    telemetry = (await hookd.waitForOutput(/"telemetryUrl":"([^"]+)"/))[1]!
  })

  test('what waits for a paused subscriber costs no time, and is cancelled in steps when that is removed', async () => {
    const paused = stage.open()
    const id = await stage.subscribe(paused.url, { event: 'item.created', active: false })
    await insert(3000)
    await stage.settled()
    expect(await states(id)).toEqual({ pending: 3000 })
    const before = await processorTime(hookd.pid)
    await new Promise((resolve) => setTimeout(resolve, 400)) // what is measured is what happens while nothing does
    expect((await processorTime(hookd.pid)) - before).toBeLessThan(200)

    await query('delete from hookd.subscribers where id = $1', [id])
    await waitFor(async () => (await states(id))['cancelled'] === 3000, { what: 'all to be cancelled' })
    const steps = 'select count(*)::int as n from hookd.deliveries where subscriber_id = $1 group by xmin::text'
    expect((await query(steps, [id])).map(({ n }) => n)).toEqual([1000, 1000, 1000])
    expect(paused.requests).toEqual([])
  })

  test('hundreds of broken rows are put aside with a reason each, and the others run on', async () => {
    const healthy = await open({ event: 'other.created' })
    await withoutTriggers(BROKEN_ROWS)
    await query('insert into other values (1)')
    await healthy.waitFor(1)
    const reasons = 'select disabled_reason as reason, count(*)::int as n from hookd.subscribers group by 1'
    const areAside = async () => (await query(reasons)).find(({ reason }) => reason === null)?.n === 1
    await waitFor(areAside, { what: 'all broken rows to be put aside', timeoutMs: 30_000 })
    const told = (await query(reasons)).filter(({ reason }) => reason !== null)
    expect(told.map(({ n }) => n)).toEqual(Array.from({ length: 9 }, () => 100))
    for (const { reason } of told) expect(reason).toMatch(/^invalid row: \w+/)
    expect(await healthy.row()).toMatchObject({ disabled_at: null })
  })

  test('a subscriber that is paused while a retry waits is left alone until it is resumed', async () => {
    const box = await open({ event: 'item.created', retry: OFTEN }, 500)
    await insert()
    await box.waitFor(2)
    await box.change('active = false')
    await stage.settled()
    const count = box.requests.length
    await waitFor(async () => Number((await box.deliveries())[0].next_attempt_at) < Date.now() - 100, {
      what: 'the next attempt to be overdue',
    })
    expect(box.requests).toHaveLength(count)
    box.answer(200)
    await box.change('active = true')
    await box.waitFor(count + 1)
  })

  test('a new URL is judged like any other before the next retry goes there', async () => {
    const box = await open({ event: 'item.created', retry: OFTEN }, 500)
    await insert()
    await box.waitFor(1)
    await box.change(`url = 'http://127.0.0.66:${new URL(box.url).port}/'`)
    const row = await waitFor(async () => (await box.row()).disabled_at && (await box.row()), {
      what: 'it to be refused',
    })
    expect(row.disabled_reason).toBe('"127.0.0.66" is blocked by block_cidrs, where "recipients" allows no delivery')
    expect(await states(box.id)).toEqual({ dead: 1 })
  })

  test('a replay that races with retries and other replays sends each attempt once', async () => {
    let replays = 0
    const box = await open({ event: 'item.created' }, () => (replays === 0 ? 500 : 200))
    await insert()
    await box.waitFor(1)
    const id = box.requests[0]!.headers['hook-delivery']
    const replay = async () => {
      const [row] = await query('select hookd.replay(delivery => $1) as n', [id]).catch(() => [{ n: 0 }])
      replays += Number(row.n)
    }
    while (replays === 0) await Promise.all([replay(), replay(), replay(), replay()])
    await waitFor(async () => (await states(box.id))['delivered'] === 1, { what: 'the delivery' })
    await stage.settled()
    const attempts = await query('select replayed, attempt from hookd.attempts where delivery_id = $1', [id])
    expect(box.requests).toHaveLength(4 + replays)
    expect(attempts).toHaveLength(4 + replays)
  })

  test('an endpoint that refuses every connection is tried now and then, and gets all of it in order later', async () => {
    const port = await freePort()
    const healthy = await open({ event: 'item.*' })
    const box = await open({ event: 'item.*', retry: OFTEN })
    await box.change(`url = 'http://127.0.0.1:${port}/'`)
    const last = await insert(100)
    await query('update item set v = 2 where id > $1', [last - 100])
    await healthy.waitFor(200)
    await stage.settled()
    const [{ attempts }] = await query(
      'select sum(attempts)::int as attempts from hookd.deliveries where subscriber_id = $1',
      [box.id],
    )
    expect(attempts).toBeLessThan(60)

    const receiver = await startReceiver(() => 200, { port })
    await waitFor(() => receiver.requests.length >= 200, { what: 'everything', timeoutMs: 30_000 })
    const bodies = receiver.requests.map(({ body }) => JSON.parse(body.toString()))
    const rows = Map.groupBy(bodies, ({ data }) => data.id)
    expect([...rows.values()].filter((each) => each.map(({ data }) => data.v).join() !== '1,2')).toEqual([])
    await waitFor(async () => (await states(box.id))['delivered'] === 200, { what: 'everything to be recorded' })
  })

  test('while somebody locks the tables of hookd it sends on, and then records what it could not', async () => {
    const [healthy, failing] = [await open({ event: 'item.*' }), await open({ event: 'item.*', retry: OFTEN }, 500)]
    await stage.settled()
    const owner = await stage.database.client()
    await owner.query('begin; lock table hookd.subscribers, hookd.deliveries, hookd.attempts in access exclusive mode')
    for (let at = 0; at < 20; at++) await insert()
    await healthy.waitFor(20)
    await failing.waitFor(5)
    await owner.query('commit')
    await stage.settled()
    expect(await states(failing.id)).toEqual({ pending: 20 })
    failing.answer(200)
    await waitFor(async () => (await states(failing.id))['delivered'] === 20, { what: 'the others' })
    expect(healthy.requests).toHaveLength(20)
  })

  test('what Postgres refuses to record is a dead letter, and the next change of its row goes out', async () => {
    const box = await open({}, (request) => (request.headers['hook-event'] === 'item.created' ? 500 : 200))
    await query(`alter table hookd.deliveries add constraint mine
      check (event <> 'item.created' or state <> 'pending') not valid`)
    const id = await insert()
    await query('update item set v = 2 where id = $1', [id])
    await box.waitFor(2)
    await query('alter table hookd.deliveries drop constraint mine')
    expect(await states(box.id)).toMatchObject({ dead: 1 })
    const [dead] = await box.deliveries()
    expect(dead).toMatchObject({ event: 'item.created', attempts: 1 })
    expect(dead.last_error).toBe('Postgres refuses to store it by "mine" (SQLSTATE 23514)')
    expect(hookd.stderr()).toContain('not recorded as it was')
    const metrics = await (await fetch(`${telemetry}/metrics`)).text()
    expect(metrics).toMatch(/^hookd_errors_total\{kind="ledger"\} 1$/m)
  })

  test('a URL that leads to hookd itself or to its Postgres is a failure like any other', async () => {
    const itself = await open({ event: 'other.created' })
    const postgres = await open({ event: 'other.created' })
    await itself.change(`url = '${telemetry}/healthz'`)
    await postgres.change(`url = 'http://${new URL(stage.database.url).host}/'`)
    await query('insert into other values (2)')
    for (const box of [itself, postgres]) {
      await waitFor(async () => (await states(box.id))['dead'] === 1, { what: 'it to be given up' })
    }
    expect((await itself.deliveries())[0].last_status).toBe(405)
    expect((await postgres.deliveries())[0].last_class).toMatch(/^(bad_response|reset)$/)
    expect((await fetch(`${telemetry}/readyz`)).status).toBe(200)
  })
})

/** Milliseconds of processor time that a process has used. */
async function processorTime(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
