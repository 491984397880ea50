import { beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage, readSubscriber, type Stage } from '../support/stage.ts'
import { signatureFaults } from '../support/verified.ts'

const SQL = `
  create table account (id int primary key, username text, a int, b int);
  alter table account replica identity full;
  create table plain (id int primary key, state text);
  create table keyless (line text);
  alter table keyless replica identity full;
  create table document (id int primary key, big text, state text);
  alter table document replica identity full;
  alter table document alter column big set storage external;
  create table shrinking (id int primary key, extra text);
  alter table shrinking replica identity full;
  create table moody (id int primary key, state text);
  alter table moody replica identity full;
  create table book (id int primary key, username text);
  create table party (id int primary key, occasion text)`

const YAML = `events:
  account.created: { table: public.account, on: insert }
  account.changed: { table: public.account, on: update, include: [old, changed] }
  account.removed: { table: public.account, on: delete }
  account.emptied: { table: public.account, on: truncate }
  rename.done: { table: public.account, on: update, changed: [a, b] }
  jerry.removed: { table: public.account, on: delete, when: { username: jerry } }
  plain.created: { table: public.plain, on: insert }
  plain.changed: { table: public.plain, on: update }
  plain.removed: { table: public.plain, on: delete }
  line.written: { table: public.keyless, on: [insert, delete] }
  document.created: { table: public.document, on: insert }
  needle.found: { table: public.document, on: update, when: { big: { contains: needle } } }
  needle.appeared: { table: public.document, on: update, when: { big: { now_contains: needle } } }
  shrinking.changed: { table: public.shrinking, on: update }
  shrinking.without: { table: public.shrinking, on: update, when: { not: { extra: x } } }
  moody.changed: { table: public.moody, on: update }
  moody.sad: { table: public.moody, on: update, when: { state: { now_eq: sad } } }
  book.added: { table: public.book, on: insert, owner: username }
  book.announced: { table: public.book, on: insert, broadcast: true }
  "invited.{new.occasion}": { table: public.party, on: insert }
  party.held: { table: public.party, on: insert }
  user.logged_in: { manual: true }
  foo.created: { manual: true }
  foo.updated: { manual: true }
  foo.deleted: { manual: true }
  bar.updated: { manual: true }
  bar.deleted: { manual: true }
  baz.moo: { manual: true }
delivery: { retry: { schedule: [1h] } }
`

describe.each(SERVER_KINDS)('changes, %s', (kind) => {
  let stage: Stage
  const query = (sql: string, params?: unknown[]) => stage.database.query(sql, params)

  /** An endpoint that gets the events of a pattern one at a time, in the order of the stream. */
  async function listenTo(event: string, columns: Record<string, unknown> = {}) {
    const endpoint = stage.open()
    const id = await stage.subscribe(endpoint.url, { event, ordering: 'subscriber', ...columns })
    return { ...endpoint, id }
  }

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    await stage.start()
  })

  test('insert, update and delete fire their own event each, once a row', async () => {
    const [full, plain] = [await listenTo('account.*'), await listenTo('plain.*')]
    await query(`insert into account (id, username) values (1, 'george'), (2, 'elaine')`)
    await query('update account set a = 1 where id = 1')
    await query('delete from account where id = 2')
    await query(`insert into plain values (1, 'new')`)
    await query(`update plain set state = 'old'`)
    await query('delete from plain')
    await stage.settled()
    expect(full.events()).toEqual(['account.created', 'account.created', 'account.changed', 'account.removed'])
    expect(full.bodies()[2]).toMatchObject({
      data: { id: 1, username: 'george', a: 1, b: null },
      old: { id: 1, username: 'george', a: null, b: null },
      meta: { op: 'update', table: 'public.account', key: { id: 1 }, changed: ['a'] },
    })
    expect(full.bodies()[3]?.data).toEqual({ id: 2, username: 'elaine', a: null, b: null })
    expect(plain.events()).toEqual(['plain.created', 'plain.changed', 'plain.removed'])
    expect(plain.bodies()[2]?.data).toMatchObject({ id: 1 }) // without a full old row the key is all there is
  })

  test('a delete is matched against the row that was there', async () => {
    const listener = await listenTo('jerry.removed')
    await query(`insert into account (id, username) values (10, 'elaine'), (11, 'jerry')`)
    await query('delete from account where id = 10')
    await query('delete from account where id = 11')
    await stage.settled()
    expect(listener.bodies().map(({ data }) => data.username)).toEqual(['jerry'])
  })

  test('nothing comes of what was rolled back, whole or to a savepoint', async () => {
    const listener = await listenTo('plain.created')
    const client = await stage.database.client()
    await client.query('begin; insert into plain values (20); rollback')
    await client.query('begin; insert into plain values (21); savepoint s; insert into plain values (22)')
    await client.query('rollback to s; insert into plain values (23); commit')
    await stage.settled()
    expect(listener.bodies().map(({ data }) => data.id)).toEqual([21, 23])
  })

  test('changes of one transaction arrive in order, and only after it has committed', async () => {
    const listener = await listenTo('account.*')
    const client = await stage.database.client()
    await client.query('begin')
    await client.query(`insert into account (id, username) values (30, 'newman')`)
    await client.query('update account set a = 1 where id = 30')
    await client.query('delete from account where id = 30')
    await stage.settled()
    expect(listener.requests).toEqual([])
    await client.query('commit')
    await listener.waitFor(3)
    await stage.settled()
    expect(listener.events()).toEqual(['account.created', 'account.changed', 'account.removed'])
    expect(new Set(listener.bodies().map(({ meta }) => meta.xid)).size).toBe(1)
  })

  test('many rows of one statement give an event and an id of its own each', async () => {
    const listener = await listenTo('plain.created', { ordering: 'none' })
    await query(`insert into plain select n, 'bulk' from generate_series(1001, 2000) n`)
    await stage.settled()
    expect(new Set(listener.bodies().map(({ data }) => data.id)).size).toBe(1000)
    expect(new Set(listener.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1000)
    expect(listener.requests).toHaveLength(1000)
  })

  test('TRUNCATE fires the event for it once, and none for the rows', async () => {
    const listener = await listenTo('account.*')
    await query('insert into account (id) values (40), (41)')
    await query('truncate account')
    await stage.settled()
    expect(listener.events()).toEqual(['account.created', 'account.created', 'account.emptied'])
    expect(listener.bodies()[2]).toMatchObject({ data: {}, meta: { op: 'truncate', table: 'public.account' } })
  })

  test('rows of a table without a key are events like any other', async () => {
    const listener = await listenTo('line.written')
    await query(`insert into keyless values ('one'), ('one')`)
    await query(`delete from keyless`)
    await stage.settled()
    const rows = listener.bodies().map(({ data, meta }) => [meta.op, data.line, meta.key])
    expect(rows).toEqual(['insert', 'insert', 'delete', 'delete'].map((op) => [op, 'one', null]))
  })

  test('an event about columns fires when one of them differs, and NULL does not differ from NULL', async () => {
    const listener = await listenTo('rename.done')
    await query('insert into account (id, a) values (50, 1)')
    for (const change of ['a = 1', 'b = null', `username = 'x'`, 'a = 2', 'b = 0', 'a = null']) {
      await query(`update account set ${change} where id = 50`)
    }
    await stage.settled()
    expect(listener.bodies().map(({ data: { a, b } }) => [a, b])).toEqual([
      [2, null],
      [2, 0],
      [null, 0],
    ])
  })

  test('a subscriber receives what commits after its own transaction, not what is beside it', async () => {
    const endpoint = stage.open()
    const client = await stage.database.client()
    await client.query('begin; insert into plain values (60)')
    await client.query(`insert into hookd.subscribers (event, url) values ('plain.created', '${endpoint.url}')`)
    await client.query('insert into plain values (61); commit')
    await query('insert into plain values (62)')
    await stage.settled()
    expect(endpoint.bodies().map(({ data }) => data.id)).toEqual([62])
  })

  test('an owner receives the events of its own rows; without an owner, of all; broadcast reaches everybody', async () => {
    const [a, b, all] = [
      await listenTo('book.*', { owner: 'a' }),
      await listenTo('book.*', { owner: 'b' }),
      await listenTo('book.*'),
    ]
    const counts = () => [a, b, all].map((listener) => listener.events().splice(0))
    await query(`insert into book values (1, 'a')`)
    await stage.settled()
    const both = ['book.added', 'book.announced']
    expect(counts()).toEqual([both, ['book.announced'], both])
    await query('insert into book values (2, null)')
    await stage.settled()
    const announced = ['book.announced']
    expect(counts()).toEqual([
      [...both, ...announced],
      [...announced, ...announced],
      [...both, ...both],
    ])
  })

  test('patterns and owners decide who receives an event', async () => {
    const patterns = {
      A: 'foo.*',
      B: 'foo.created',
      C: 'foo.created',
      D: 'foo.deleted',
      E: '*.created',
      F: 'bar.updated',
    }
    const listeners = await Promise.all(
      Object.entries({ ...patterns, G: 'baz.*', H: '*' }).map(async ([name, event]) => {
        const listener = await listenTo(event, { owner: name === 'G' ? 'u2' : 'u1' })
        return { name, listener }
      }),
    )
    const emitted = [
      ['foo.created', null, 'ABCEH'],
      ['foo.updated', null, 'AH'],
      ['foo.deleted', null, 'ADH'],
      ['bar.updated', null, 'FH'],
      ['bar.deleted', null, 'H'],
      ['baz.moo', 'u1', 'H'],
      ['baz.moo', 'u2', 'G'],
      ['foo.created', 'u2', ''],
    ] as const
    for (const [at, [event, owner]] of emitted.entries()) {
      await query('select hookd.emit($1, $2, owner => $3)', [event, { at }, owner])
    }
    await stage.settled()
    const got = emitted.map(([event, owner], at) => {
      const who = listeners.filter(({ listener }) =>
        listener.bodies().some((body) => body.event === event && body.data.at === at),
      )
      return [event, owner, who.map(({ name }) => name).join('')]
    })
    expect(got).toEqual(emitted)
    await Promise.all(listeners.map(({ listener }) => query('select hookd.unsubscribe($1)', [listener.id])))
  })

  test('an event named by a column reaches those who subscribe to the name it gets', async () => {
    const [exact, pattern, other] = [
      await listenTo('invited.festivus'),
      await listenTo('invited.*'),
      await listenTo('invited.christmas'),
    ]
    await query(`insert into party values (1, 'festivus')`)
    await stage.settled()
    expect([exact, pattern, other].map((listener) => listener.events())).toEqual([
      ['invited.festivus'],
      ['invited.festivus'],
      [],
    ])
    expect(exact.requests[0]?.headers['hook-event']).toBe('invited.festivus')
  })

  test('an event whose name would be NULL is recorded, not sent, and the others of the row go out', async () => {
    const [named, held] = [await listenTo('invited.*'), await listenTo('party.held')]
    await query('insert into party values (2, null)')
    expect(await stage.errors('invited.{new.occasion}')).toMatchObject([
      { kind: 'payload', message: expect.stringContaining('occasion'), table_name: 'public.party' },
    ])
    expect(named.requests).toEqual([])
    expect(held.bodies().map(({ data }) => data.id)).toEqual([2])
  })

  test('two subscribers of one URL are two deliveries', async () => {
    const { id: first, ...endpoint } = await listenTo('user.logged_in')
    const second = await stage.subscribe(endpoint.url, { event: 'user.*' })
    await query(`select hookd.emit('user.logged_in')`)
    await stage.settled()
    const headers = endpoint.requests.map((request) => request.headers)
    expect(headers.map((each) => each['hook-subscription']).toSorted()).toEqual([first, second].toSorted())
    expect(new Set(headers.map((each) => each['hook-delivery'])).size).toBe(2)
    expect(new Set(headers.map((each) => each['webhook-id'])).size).toBe(1)
  })

  test('after unsubscribing nothing is sent any more, and what was pending is cancelled', async () => {
    const listener = await listenTo('plain.created')
    listener.answer(500)
    await query('insert into plain values (70), (71)')
    await stage.settled()
    expect(await stage.deliveries(listener.id)).toMatchObject([{ state: 'pending' }, { state: 'pending' }])
    await query('select hookd.unsubscribe($1)', [listener.id])
    await query('insert into plain values (72)')
    await stage.settled()
    await expect
      .poll(async () => (await stage.deliveries(listener.id)).map(({ state }) => state))
      .toEqual(['cancelled', 'cancelled'])
    expect(listener.requests).toHaveLength(1)
  })

  test('a hundred subscribers get one request each, signed with their own secrets', async () => {
    const endpoints = Array.from({ length: 100 }, (_, n) => stage.open(200, `?a=b&n=${n}`))
    const rows = await query(
      `insert into hookd.subscribers (event, url) select 'user.logged_in', url from unnest($1::text[]) url
       returning url, hmac_secret`,
      [endpoints.map(({ url }) => url)],
    )
    await query(`select hookd.emit('user.logged_in', '{"n": 1}')`)
    await stage.settled()
    const secrets = new Map(rows.map(({ url, hmac_secret }) => [url, hmac_secret]))
    expect(endpoints.map(({ requests }) => requests.length)).toEqual(endpoints.map(() => 1))
    expect(endpoints.flatMap(({ url, requests }) => signatureFaults(requests[0]!, secrets.get(url)))).toEqual([])
    expect(new Set(secrets.values()).size).toBe(100)
    await query(`delete from hookd.subscribers where url like '%?a=b&n=%'`)
  })

  test('emit commits and rolls back with its transaction, and keeps its place among row changes', async () => {
    const listener = await listenTo('*')
    const client = await stage.database.client()
    await client.query(`begin; insert into plain values (80); select hookd.emit('user.logged_in', '{"n": 1.10}')`)
    await client.query('insert into plain values (81); commit')
    await client.query(`begin; select hookd.emit('user.logged_in', '{"n": 2}'); rollback`)
    await expect(query(`select hookd.emit('user.loged_in')`)).rejects.toThrow('invalid event "user.loged_in"')
    await stage.settled()
    await query('select hookd.unsubscribe($1)', [listener.id])
    expect(listener.events().slice(0, 3)).toEqual(['plain.created', 'user.logged_in', 'plain.created'])
    expect(listener.requests.filter(({ headers }) => headers['hook-event'] === 'user.logged_in')).toHaveLength(1)
    expect(listener.requests[1]?.body.toString()).toContain('"data":{"n":1.10}')
  })

  test('a long text arrives whole, also where an update leaves it alone and Postgres does not send it', async () => {
    const listener = await listenTo('document.created')
    const [found, appeared] = [await listenTo('needle.found'), await listenTo('needle.appeared')]
    const big = Array.from({ length: 3000 }, (_, n) => String.fromCharCode(97 + ((n * 7919) % 26))).join('') + 'needle'
    await query(`insert into document values (1, $1, 'draft')`, [big])
    await query(`update document set state = 'done'`)
    await stage.settled()
    expect(listener.bodies().map(({ data }) => data.big)).toEqual([big])
    expect(found.bodies().map(({ data }) => data)).toEqual([{ id: 1, big, state: 'done' }])
    expect(appeared.requests).toEqual([])
  })

  test('a column that is dropped while hookd runs fails the event that needs it, and no other', async () => {
    const listener = await listenTo('shrinking.*')
    await query(`insert into shrinking values (1, 'y')`)
    await query(`update shrinking set extra = 'z'`)
    await stage.settled()
    await query('alter table shrinking drop column extra')
    await query('update shrinking set id = 2')
    expect(await stage.errors('shrinking.without')).toMatchObject([
      { kind: 'condition', message: expect.stringContaining('extra'), table_name: 'public.shrinking' },
    ])
    expect(listener.events().toSorted()).toEqual(['shrinking.changed', 'shrinking.changed', 'shrinking.without'])
    expect(listener.bodies().at(-1)?.data).toEqual({ id: 2 })
  })

  test('an old row that Postgres stops sending is unknown, not NULL: recorded, not sent', async () => {
    const listener = await listenTo('moody.*')
    await query(`insert into moody values (1, 'sad')`)
    await query('alter table moody replica identity default')
    await query(`update moody set state = 'sad'`)
    expect(await stage.errors('moody.sad')).toMatchObject([
      { kind: 'condition', message: expect.stringContaining('state'), table_name: 'public.moody' },
    ])
    expect(listener.events()).toEqual(['moody.changed'])
  })

  test('nobody was disabled by all this', async () => {
    const rows = await query('select id from hookd.subscribers where disabled_at is not null')
    expect(await Promise.all(rows.map(({ id }) => readSubscriber(stage, id)))).toEqual([])
  })
})
