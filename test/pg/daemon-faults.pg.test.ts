import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Endpoint } from '../support/endpoints.ts'
import { type LibraryHookd, startLibraryHookd } from '../support/library-hookd.ts'
import { type Database, type Server, SERVER_KINDS, startServer } from '../support/postgres.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

/** Stops and starts in a row; `npm run test:long` raises it. */
const HANDOVERS = Number(process.env['HOOKD_TEST_ROUNDS'] ?? 5)
/** Rows of 10 kB: more than may be held in memory. */
const BACKLOG = 1500
const ROLE = 'hookd_login'
const SQL = `
  create table item (id int primary key, note text);
  alter table item owner to ${ROLE};
  create table fault (code text)`
const YAML = `events:
  item.created: { table: public.item, on: insert }
delivery: { spill_after: 500ms, retry: { schedule: [1h] } }
`
/** Makes every write to the ledger fail with the code that the table names. */
const FAULTY_LEDGER = `
  create function raise_fault() returns trigger language plpgsql security definer as $$
  declare fault text := (select code from public.fault);
  begin
    if fault is not null then raise exception 'planted' using errcode = fault; end if;
    return new;
  end $$;
  create trigger a_fault before insert or update on hookd.deliveries for each row execute function raise_fault()`

describe.each(SERVER_KINDS)('a running daemon on %s', (kind) => {
  let server: Server
  let database: Database
  let stage: Stage
  let hookd: LibraryHookd
  let box: Endpoint
  let lastId = 0
  const insert = async (count = 1): Promise<number[]> => {
    const fresh = Array.from({ length: count }, () => ++lastId)
    for (const id of fresh) await database.query('insert into item values ($1)', [id])
    return fresh
  }
  const arrived = (): number[] => box.bodies().map(({ data }) => data.id)
  /** Runs a statement elsewhere: in this database that may be impossible. */
  const elsewhere = async (sql: string): Promise<void> => {
    const client = new pg.Client(server.url())
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  /** Cuts connections of hookd. */
  const cut = (which: string) =>
    database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'hookd' and ${which}`,
    )

  beforeAll(async () => {
    server = await startServer(kind)
    await elsewhere(`create role ${ROLE} login replication`)
    database = await server.createDatabase()
    await elsewhere(`alter database ${database.name} owner to ${ROLE}`)
    stage = await openStage(database, { sql: SQL, yaml: YAML })
    hookd = start()
    await hookd.ready
    await database.query(FAULTY_LEDGER)
  })

  beforeEach(async () => {
    await database.query('delete from hookd.subscribers')
    box = stage.open()
    await stage.subscribe(box.url, { event: 'item.*' })
    await stage.settled()
  })

  /** As a role that Postgres can lock out. */
  function start(options: Parameters<typeof startLibraryHookd>[1] = {}): LibraryHookd {
    const url = new URL(database.url)
    url.username = ROLE
    return startLibraryHookd(stage, {
      databaseUrl: url.href,
      walSenderTimeout: '1s',
      statusInterval: '100ms',
      ...options,
    })
  }

  test('loses its walsender, the others, or all of its connections, again and again: each delivery goes out once', async () => {
    const sent: number[] = []
    const slowest = { ms: 0 }
    for (const which of ["backend_type = 'walsender'", "backend_type <> 'walsender'", 'true']) {
      for (let round = 0; round < 3; round++) {
        const cutAt = performance.now()
        await cut(which)
        sent.push(...(await insert(5)))
        await box.waitFor(sent.length)
        slowest.ms = Math.max(slowest.ms, performance.now() - cutAt)
      }
    }
    await stage.settled()
    expect(arrived().toSorted((a, b) => a - b)).toEqual(sent)
    process.stderr.write(`${kind}: sending again at most ${Math.round(slowest.ms)} ms after a cut\n`)
    expect(slowest.ms).toBeLessThan(5000)
  })

  test('keeps a failed write and what it is about, whatever the error, and charges no attempt for it', async () => {
    const codes = ['25006', '40001', '40P01', '53100', '53200', '53300', '55P03', '57014', '58030', 'XX000']
    box.answer(500)
    for (const code of codes) {
      await database.query('insert into fault values ($1)', [code])
      const before = hookd.said(/cannot write to the ledger/)
      await insert()
      await waitFor(() => hookd.said(/cannot write to the ledger/) > before, { what: `${code} to be noticed` })
      await database.query('delete from fault')
      await stage.settled()
    }
    const deliveries = await database.query(
      `select d.id, d.attempts, count(a.*)::int as recorded from hookd.deliveries d left join hookd.attempts a on a.delivery_id = d.id
       where d.event = 'item.created' and d.state = 'pending' group by 1, 2`,
    )
    const requests = Map.groupBy(box.requests, ({ headers }) => headers['hook-delivery'])
    expect(deliveries).toHaveLength(codes.length)
    for (const { id, attempts, recorded } of deliveries) {
      const tried = requests.get(id)?.length ?? 0 // an outage leaves some of them waiting
      expect({ attempts, recorded }).toEqual({ attempts: tried, recorded: tried })
    }
    expect(hookd.said(/cannot write to the ledger/)).toBeLessThan(codes.length * 20) // it backs off
  })

  const LOCKED_OUT = [
    [
      'too many connections',
      `alter role ${ROLE} connection limit 0`,
      `alter role ${ROLE} connection limit -1`,
      'HOOKD_DATABASE_BUSY',
    ],
    ['not permitted to log in', `alter role ${ROLE} nologin`, `alter role ${ROLE} login`, 'HOOKD_DATABASE_AUTH'],
    [
      'not currently accepting',
      'alter database DB allow_connections false',
      'alter database DB allow_connections true',
      'HOOKD_DATABASE_BUSY',
    ],
  ] as const

  test.each(LOCKED_OUT)(
    'locked out (%s), tries on until it is let in; a new one says what is wrong and ends',
    async (says, lock, unlock, code) => {
      const named = (sql: string) => sql.replace('DB', database.name)
      const fresh = await insert()
      await box.waitFor(1)
      await elsewhere(named(lock))
      try {
        await cut('true')
        await waitFor(() => hookd.said(new RegExp(`lost the database.*${says}`)) > 1, { what: 'it to try again' })
        await expect(start().ready).rejects.toMatchObject({ code, message: expect.stringContaining(says) })
      } finally {
        await elsewhere(named(unlock))
      }
      fresh.push(...(await insert()))
      await box.waitFor(2)
      expect(arrived()).toEqual(fresh)
    },
  )

  test('starts nothing new while Postgres has stopped answering, and goes on when it does', async () => {
    const well = Promise.withResolvers<void>()
    box.answer(() => well.promise.then(() => 200))
    const sent = await insert(30)
    await box.waitFor(8)
    const pids = [
      server.pid!,
      ...(await database.query('select pid from pg_stat_activity')).map(({ pid }) => pid as number),
    ]
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    const inFlight = box.requests.length
    try {
      await waitFor(() => hookd.said(/lost the database/) > 0 && hookd.said(/has not answered/) > 0, {
        what: 'it to notice',
      })
      well.resolve()
      await sleep(300) // whatever could start would have started
      expect(box.requests.length).toBe(inFlight)
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
    await stage.settled()
    expect(arrived().toSorted((a, b) => a - b)).toEqual(sent)
  })

  test('keeps its slot and its memory while the sink takes nothing of a backlog, and then sends all of it', async () => {
    const well = Promise.withResolvers<void>()
    box.answer(() => well.promise.then(() => 200))
    const losses = hookd.said(/lost the database/)
    const first = lastId + 1
    lastId += BACKLOG
    await database.query(
      `insert into item select id, repeat('x', 10000) from generate_series($1::int, $2::int) as id`,
      [first, lastId],
    )
    const stored = `select from hookd.deliveries where state = 'pending' and event = 'item.created' limit 1`
    await waitFor(async () => (await database.query(stored)).length === 1, { what: 'the backlog to be stored' })
    await stage.settled()
    const alive = `select from pg_stat_replication where application_name = 'hookd' and reply_time > now() - interval '1 s'`
    await waitFor(async () => (await database.query(alive)).length === 1, { what: 'a sign of life' })
    expect(hookd.said(/lost the database/)).toBe(losses)
    expect(box.requests).toHaveLength(8)
    well.resolve()
    await waitFor(() => box.requests.length >= BACKLOG, { what: 'all of them', timeoutMs: 20_000 })
    expect(new Set(arrived()).size).toBe(BACKLOG)
  })

  test('of five that start at once one reads the slot and the others stand by: each delivery goes out once', async () => {
    await hookd.stop()
    const sent = await insert(50)
    const daemons = Array.from({ length: 5 }, () => start())
    const saying = (pattern: RegExp) => daemons.filter((each) => each.said(pattern) > 0)
    await waitFor(() => saying(/standing by/).length === 4, { what: 'four to stand by' })
    sent.push(...(await insert(50)))
    await stage.settled()
    expect(arrived().toSorted((a, b) => a - b)).toEqual(sent)
    expect(saying(/reading the slot/)).toHaveLength(1)
    const [active] = saying(/reading the slot/)
    await Promise.all(daemons.filter((each) => each !== active).map((each) => each.stop()))
    hookd = active!
  })

  test('hands over to the next one, time after time, under load: nothing is lost, nothing comes twice', async () => {
    const sent: number[] = []
    const done = new AbortController()
    const writing = (async () => {
      while (!done.signal.aborted) sent.push(...(await insert()))
    })()
    writing.catch(() => {}) // it may reject before it is looked at
    for (let round = 0; round < HANDOVERS; round++) {
      const next = start()
      await waitFor(() => next.said(/standing by/) > 0, { what: 'the next one to stand by' })
      const enough = box.requests.length + 20
      await box.waitFor(enough)
      await hookd.stop()
      await next.ready
      hookd = next
    }
    done.abort()
    await writing
    await waitFor(() => arrived().length >= sent.length, { what: 'every row' })
    await stage.settled()
    expect(arrived().toSorted((a, b) => a - b)).toEqual(sent)
  })
})
