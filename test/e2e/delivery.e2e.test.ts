import { beforeAll, describe, expect, test } from 'vitest'
import type { Hookd } from '../support/hookd.ts'
import { createMailroom, type Mailbox } from '../support/mailroom.ts'
import { freePort } from '../support/ports.ts'
import { createDatabase, type Rows, SERVER_KINDS } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { openStage, type Stage, stop } from '../support/stage.ts'
import { signatureFaults } from '../support/verified.ts'
import { waitFor } from '../support/wait.ts'

const SQL = `
  create table item (id int primary key, v int, note text, more text);
  alter table item replica identity full`

const YAML = `events:
  item.created: { table: public.item, on: insert }
  item.changed: { table: public.item, on: update }
  slim.created: { table: public.item, on: insert, data: [id] }
  call.made: { manual: true }
  call.closed: { manual: true, keepalive: false }
delivery: { retry: { schedule: [50ms, 50ms] }, max_payload: 4KiB }
`

const OFTEN = { schedule: Array.from({ length: 100 }, () => '100ms') }

/** Waits until the deliveries of a mailbox are in these states, and gives them. */
async function reach(box: Mailbox, states: string[]): Promise<Rows> {
  const matching = (rows: Rows) => rows.length === states.length && rows.every(({ state }, at) => state === states[at])
  const rows = async () => {
    const found = await box.deliveries()
    return matching(found) ? found : null
  }
  return waitFor(rows, { what: `deliveries that are ${states.join(', ')}` })
}

describe.each(SERVER_KINDS)('delivery, %s', (kind) => {
  let stage: Stage
  let hookd: Hookd
  let lastId = 0
  const query = (sql: string, params?: unknown[]) => stage.database.query(sql, params)
  const open = createMailroom(() => stage)
  const insert = async (note: string | null = null): Promise<number> => {
    await query('insert into item values ($1, 1, $2)', [++lastId, note])
    return lastId
  }
  const attempts = (id: string) =>
    query('select * from hookd.attempts where delivery_id = $1 order by replayed, attempt', [id])

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    hookd = await stage.start()
  })

  test('any 2xx is a delivery, and leaves no row behind', async () => {
    const boxes = await Promise.all([200, 201, 204].map((status) => open({}, status)))
    await insert()
    await stage.settled()
    expect(boxes.map(({ requests }) => requests.length)).toEqual([1, 1, 1])
    expect(await Promise.all(boxes.map((box) => box.deliveries()))).toEqual([[], [], []])
  })

  test('a 500 is tried again: the same body and ids, signed for a new time, never early', async () => {
    const box = await open({ event: 'item.created', retry: { schedule: ['1100ms'] } }, (_, at) =>
      at === 0 ? { status: 500, body: 'sorry \0' } : 200,
    )
    await insert('Ünïcode')
    const [first, second] = await box.waitFor(2)
    expect(second!.body).toEqual(first!.body)
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(1100)
    for (const name of ['hook-delivery', 'webhook-id', 'hook-hmac', 'hook-event', 'content-type']) {
      expect([name, second!.headers[name]]).toEqual([name, first!.headers[name]])
    }
    for (const name of ['webhook-timestamp', 'webhook-signature']) {
      expect([name, second!.headers[name]]).not.toEqual([name, first!.headers[name]])
    }
    await stage.settled()
    const [delivery, ...others] = await box.deliveries()
    expect(others).toEqual([])
    expect(delivery).toMatchObject({ id: first!.headers['hook-delivery'], state: 'delivered', attempts: 2 })
    expect(await attempts(delivery.id)).toMatchObject([
      { attempt: 1, status: 500, class: 'status', response: Buffer.from('sorry \0'), url: box.url },
      { attempt: 2, status: 200, class: null },
    ])
  })

  test.each([
    { status: 500, retry: false, tries: 1 },
    { status: 400, retry: { max: 1 }, tries: 2 },
    { status: 404, retry: { max: 3 }, tries: 4 },
    { status: 404, retry: null, tries: 3 },
    { status: 413, retry: null, tries: 1 },
    { status: 302, retry: { max: 1 }, tries: 2 },
  ])('a $status under retry $retry is a dead letter after $tries attempts', async ({ status, retry, tries }) => {
    const elsewhere = stage.open()
    const box = await open({ event: 'item.created', retry }, { status, headers: { Location: elsewhere.url } })
    await insert()
    const [dead] = await reach(box, ['dead'])
    expect(dead).toMatchObject({
      attempts: tries,
      last_status: status,
      last_error: expect.stringContaining(`${status}`),
    })
    expect(box.requests).toHaveLength(tries)
    expect((await attempts(dead.id)).map((each) => each.status)).toEqual(Array.from({ length: tries }, () => status))
    expect(await box.row()).toMatchObject({ active: true, disabled_at: null })
    expect(elsewhere.requests).toEqual([])
  })

  test('410 disables the subscriber, keeps its deliveries, and they go out when it is enabled again', async () => {
    const box = await open({ event: 'item.created' }, 410)
    const first = await insert()
    const { disabled_reason } = await waitFor(async () => (await box.row()).disabled_at && (await box.row()), {
      what: 'the subscriber to be disabled',
    })
    expect(disabled_reason).toContain('410')
    const second = await insert()
    await stage.settled()
    expect(box.requests).toHaveLength(1)
    expect(await box.deliveries()).toMatchObject([{ state: 'pending' }, { state: 'pending' }])
    expect(hookd.stderr()).toMatch(new RegExp(`${box.id}.*disabled a subscriber`))

    box.answer(200)
    await box.change('disabled_at = null, disabled_reason = null')
    await box.waitFor(3)
    const later = box.bodies().map(({ data }) => data.id)
    expect(new Set(later.slice(1))).toEqual(new Set([first, second]))
    await reach(box, ['delivered', 'delivered'])
  })

  test('a refused, a broken and a hanging connection and an unknown host are told apart, and tried again', async () => {
    const never = new Promise<never>(() => {})
    const boxes = {
      refused: await open({ event: 'item.created', retry: OFTEN }),
      dns_error: await open({ event: 'item.created', retry: OFTEN }),
      reset: await open({ event: 'item.created', retry: OFTEN }, (_, __, response) => void response.destroy()),
      timeout: await open({ event: 'item.created', retry: OFTEN, timeout: '1 second' }, () => never),
    }
    await boxes.refused.change(`url = 'http://127.0.0.1:${await freePort()}/'`)
    await boxes.dns_error.change(`url = 'http://no-such-host.invalid/'`)
    await insert()
    for (const [failure, box] of Object.entries(boxes)) {
      const failed = await waitFor(async () => (await box.deliveries()).find((row) => row.attempts > 0), {
        what: `a failed attempt of ${failure}`,
      })
      expect(failed).toMatchObject({ state: 'pending', last_class: failure, last_status: null })
    }
    for (const box of Object.values(boxes)) {
      box.answer(200)
      await box.change(`url = '${box.url}'`)
      await reach(box, ['delivered'])
    }
  })

  test('a retry goes to the URL of now, and each attempt keeps the one it used', async () => {
    const [box, other] = [await open({ event: 'item.created', retry: OFTEN }, 500), stage.open()]
    await insert()
    await box.waitFor(1)
    await box.change(`url = '${other.url}'`)
    const [moved] = await other.waitFor(1)
    expect(moved!.body).toEqual(box.requests[0]!.body)
    await reach(box, ['delivered'])
    const urls = (await attempts((await box.deliveries())[0].id)).map(({ url }) => url)
    expect(urls).toEqual([...box.requests.map(() => box.url), other.url])
  })

  test('a subscriber that asks for time gets it, for all of its rows', async () => {
    const box = await open({ event: 'item.created', retry: OFTEN }, (_, at) =>
      at === 0 ? { status: 503, headers: { 'Retry-After': '1' } } : 200,
    )
    await insert()
    await box.waitFor(1)
    await insert()
    const [first, ...later] = await box.waitFor(3)
    for (const { at } of later) expect(at - first!.at).toBeGreaterThanOrEqual(1000)
  })

  test('changes of one row arrive in order and one at a time', async () => {
    let [inFlight, most] = [0, 0]
    const box = await open({}, async () => {
      most = Math.max(most, ++inFlight)
      await new Promise((resolve) => setTimeout(resolve, 5))
      inFlight--
      return 200
    })
    const id = await insert()
    for (let v = 2; v <= 9; v++) await query('update item set v = $2 where id = $1', [id, v])
    await stage.settled()
    expect(box.bodies().map(({ data }) => data.v)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(most).toBe(1)
  })

  test.each([
    { ordering: 'row', before: ['b1', 'b2'], whole: ['b1', 'b2', 'a1', 'a2'] },
    { ordering: 'none', before: ['a2', 'b1', 'b2'], whole: null },
    { ordering: 'subscriber', before: [], whole: ['a1', 'b1', 'a2', 'b2'] },
  ])('under ordering $ordering a failing change of row a lets $before pass', async ({ ordering, before, whole }) => {
    let heals = false
    const nameOf = ({ data }: { data: { note: string; v: number } }) => `${data.note}${data.v}`
    const accepted: string[] = []
    const box = await open({ ordering, retry: OFTEN }, ({ body }) => {
      const name = nameOf(JSON.parse(body.toString()))
      if (name === 'a1' && !heals) return 500
      accepted.push(name)
      return 200
    })
    const [a, b] = [await insert('a'), await insert('b')]
    await query('update item set v = 2 where id = $1', [a])
    await query('update item set v = 2 where id = $1', [b])
    await box.waitFor(3)
    await stage.settled()
    expect(accepted.toSorted()).toEqual(before)

    heals = true
    await waitFor(() => accepted.length === 4, { what: 'all four' })
    expect(accepted.filter((name) => name.startsWith('b'))).toEqual(['b1', 'b2'])
    expect(accepted).toEqual(whole ?? accepted)
  })

  test('a rate limit holds from the first request to the last', async () => {
    const box = await open({ event: 'item.created', rate_limit: 20 })
    await query('insert into item select n, 1 from generate_series(10001, 10015) n')
    const requests = await box.waitFor(15)
    const [first, last] = [requests.at(0)!.at, requests.at(-1)!.at]
    expect(last - first).toBeGreaterThanOrEqual((13 / 20) * 1000)
  })

  test.each([
    { event: 'call.made', connections: 1 },
    { event: 'call.closed', connections: 10 },
  ])('ten deliveries of $event take $connections connections', async ({ event, connections }) => {
    const ports = new Set<number | undefined>()
    const receiver = await startReceiver((_, __, response) => {
      ports.add(response.req.socket.remotePort)
      return 200
    })
    const id = await stage.subscribe(receiver.url, { event, ordering: 'subscriber' })
    await query('select hookd.emit($1) from generate_series(1, 10)', [event])
    await receiver.waitFor(10)
    await query('select hookd.unsubscribe($1)', [id])
    expect(ports.size).toBe(connections)
  })

  test.each([
    { what: 'one value', sizes: [5000, 0], reason: 'unreadable_value: column "note" of public.item' },
    { what: 'the whole row', sizes: [3000, 3000], reason: 'payload_too_large: the body' },
  ])(
    '$what that is too large is a dead letter that says where; what is small enough goes out',
    async ({ sizes, reason }) => {
      const box = await open({ event: '*.created' })
      const texts = sizes.map((size) => 'x'.repeat(size))
      await query('insert into item values ($1, 1, $2, $3)', [++lastId, ...texts])
      await stage.settled()
      const [dead, ...others] = await box.deliveries()
      expect(others).toEqual([])
      expect(dead).toMatchObject({ event: 'item.created', state: 'dead', attempts: 0 })
      const [slim, ...more] = box.bodies()
      expect([slim.event, slim.data, more]).toEqual(['slim.created', { id: lastId }, []])
      expect(dead.last_error).toMatch(new RegExp(`^${reason}.* 4096\\b`))
      expect(dead.last_error).toContain(`; row {"id":${lastId}} of public.item at ${slim.meta.lsn}`)
    },
  )

  test('while a subscriber is not active its deliveries wait, and then go out in order', async () => {
    const box = await open({ active: false })
    const id = await insert()
    await query('update item set v = 2 where id = $1', [id])
    await stage.settled()
    expect(box.requests).toEqual([])
    expect(await box.deliveries()).toMatchObject([{ state: 'pending' }, { state: 'pending' }])
    await box.change('active = true')
    await reach(box, ['delivered', 'delivered'])
    expect(box.bodies().map(({ data }) => data.v)).toEqual([1, 2])
  })

  test('after a rotation the next attempt is signed with both secrets, the new one first', async () => {
    const box = await open({ event: 'item.created', retry: OFTEN }, 500)
    await insert()
    await box.waitFor(1)
    const [{ rotate_secret: fresh }] = await query('select hookd.rotate_secret($1)', [box.id])
    await stage.settled()
    box.answer(200)
    await reach(box, ['delivered'])
    const values = box.requests.map(({ headers }) => String(headers['webhook-signature']).split(' '))
    expect([values.at(0)!.length, values.at(-1)!.length]).toEqual([1, 2])
    const last = box.requests.at(-1)!
    expect(signatureFaults(last, fresh)).toEqual([])
    expect(signatureFaults(last, box.secret)).toEqual(['Hook-HMAC']) // one value only, with the new secret
    const newest = { ...last, headers: { ...last.headers, 'webhook-signature': values.at(-1)![0] } }
    expect(signatureFaults(newest, fresh)).toEqual([])
  })

  test('a replay sends the same body and ids again, signed with the secret of now', async () => {
    const box = await open({ event: 'item.created', retry: false }, 500)
    await insert()
    await stage.settled()
    const [{ id }] = await reach(box, ['dead'])
    await query(`select hookd.rotate_secret($1, '0')`, [box.id])
    box.answer(200)
    expect(await query('select hookd.replay(delivery => $1)', [id])).toEqual([{ replay: '1' }])
    const [first, second] = await box.waitFor(2)
    expect(second!.body).toEqual(first!.body)
    expect(second!.headers['hook-delivery']).toBe(id)
    expect(second!.headers['hook-hmac']).not.toBe(first!.headers['hook-hmac'])
    await reach(box, ['delivered'])
    expect((await attempts(id)).map(({ replayed, status }) => [replayed, status])).toEqual([
      [0, 500],
      [1, 200],
    ])
  })

  test('what changes while hookd is down is delivered when it starts', async () => {
    const box = await open()
    await stop(hookd)
    expect(await hookd.exit).toEqual({ code: 0, signal: null })
    const id = await insert()
    await query('update item set v = 2 where id = $1', [id])
    hookd = await stage.start()
    await stage.settled()
    expect(box.bodies().map(({ event, data }) => [event, data.v])).toEqual([
      ['item.created', 1],
      ['item.changed', 2],
    ])
  })
})
