import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { createMailroom } from '../support/mailroom.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'
import type { Endpoint } from '../support/endpoints.ts'
import type { Hookd } from '../support/hookd.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const SQL = 'create table item (id int primary key, note text)'
const YAML = `events:
  item.created: { table: public.item, on: insert }
delivery: { spill_after: 20s }
`
const IN_FLIGHT = 8 // the default concurrency of a subscriber
/** What may have been answered but not recorded when a process dies. */
const UNRECORDED = 200

describe.each(SERVER_KINDS)('kill -9 at an exact point, %s:', (kind) => {
  let stage: Stage
  let proxy: Proxy
  let hookd: Hookd
  let lastId = 0
  const open = createMailroom(() => stage)

  const start = async () => {
    hookd = await stage.start({ env: { DATABASE_URL: proxy.url(stage.database.url) }, outlivesTest: true })
  }
  const die = async () => {
    hookd.kill('SIGKILL')
    await hookd.exit
  }
  const restart = async () => {
    proxy.thaw()
    await start()
  }
  /** Inserts rows in one transaction, some with a note by their place, and gives their ids. */
  const insertAtOnce = async (count: number, notes: Record<number, string> = {}): Promise<number[]> => {
    const fresh = ids(count)
    await stage.database.query(
      `insert into item select id, $2::jsonb ->> at::text from unnest($1::int[]) with ordinality as new (id, at)`,
      [fresh, JSON.stringify(notes)],
    )
    return fresh
  }
  /** Inserts rows, each in a transaction of its own, and gives their ids. */
  const insert = async (count: number): Promise<number[]> => {
    const fresh = ids(count)
    for (const id of fresh) await stage.database.query('insert into item values ($1)', [id])
    return fresh
  }
  const ids = (count: number): number[] => Array.from({ length: count }, () => ++lastId)
  /** Whether the server has been told less than hookd has recorded. */
  const isUnconfirmed = async (): Promise<boolean> => {
    const [position] = await stage.database.query(
      `select s.confirmed_flush_lsn < p.lsn as behind
       from pg_replication_slots s join hookd.progress p on p.slot = s.slot_name where s.slot_name = $1`,
      [stage.slot],
    )
    return position.behind
  }

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    proxy = await startProxy(Number(new URL(stage.database.url).port))
    await start()
  })

  test('between BEGIN and COMMIT: the transaction is read again, and what was recorded is not sent again', async () => {
    const box = await open()
    proxy.freezeBefore('stop here')
    const sent = await insertAtOnce(300, { 200: 'stop here' })
    await proxy.frozenBefore()
    await box.waitFor(190)
    const recorded = `select read_upto is not null and open = '{}' as done from hookd.progress where slot = $1`
    await waitFor(async () => (await stage.database.query(recorded, [stage.slot]))[0].done, {
      what: 'what was answered to be recorded',
    })
    await die()
    const before = box.requests.length
    expect(before).toBeLessThanOrEqual(200)
    await restart()
    await stage.settled()
    expect(arrived(box)).toEqual(sent)
  })

  test('before matches are stored: they are read again, and each is sent once', async () => {
    const box = await open({ active: false })
    const blocker = await stage.database.client()
    await blocker.query('begin; lock table hookd.deliveries in exclusive mode')
    const sent = await insert(20)
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await waitFor(async () => (await stage.database.query(waiting)).length > 0, { what: 'a flush to wait' })
    await die()
    await blocker.query('rollback')
    expect(await box.deliveries()).toEqual([])
    await restart()
    await box.change('active = true')
    await box.waitFor(20)
    await stage.settled()
    expect(arrived(box)).toEqual(sent)
  })

  test('between recording and confirming: nothing is stored or sent twice', async () => {
    const [box, paused] = [await open(), await open({ active: false })]
    await stage.settled()
    proxy.freeze({ direction: 'up', replicationOnly: true })
    const sent = await insert(20)
    await stage.settled()
    await die()
    expect(await isUnconfirmed()).toBe(true)
    expect(await paused.deliveries()).toHaveLength(20)
    await restart()
    await paused.change('active = true')
    await paused.waitFor(20)
    await stage.settled()
    expect(arrived(box)).toEqual(sent)
    expect(arrived(paused)).toEqual(sent)
  })

  test('requests sent, none answered: only these come again, with the same ids and bytes', async () => {
    const box = await open({}, (_request, index) => {
      if (index === IN_FLIGHT - 1) hookd.kill('SIGKILL')
    })
    const sent = await insert(20)
    await hookd.exit
    box.answer(200)
    await restart()
    await stage.settled()
    expect(distinct(box)).toEqual(sent)
    expect(repeats(box)).toBeLessThanOrEqual(IN_FLIGHT)
  })

  test('answered, not recorded: no more than that comes again, and it is never much, however long recording takes', async () => {
    const box = await open({}, async () => {
      await sleep(10)
      return 200
    })
    await stage.settled()
    const blocker = await stage.database.client()
    await blocker.query('begin')
    await blocker.query('select from hookd.progress where slot = $1 for update', [stage.slot])
    const sent = await insertAtOnce(600)
    const rests = () => Date.now() - (box.requests.at(-1)?.at ?? Infinity) > 300
    await waitFor(rests, { what: 'hookd to wait for its record' })
    await die()
    expect(box.requests.length).toBeGreaterThanOrEqual(UNRECORDED / 2)
    expect(box.requests.length).toBeLessThanOrEqual(UNRECORDED + IN_FLIGHT)
    await blocker.query('rollback')
    box.answer(200)
    await restart()
    await stage.settled()
    expect(distinct(box)).toEqual(sent)
    expect(repeats(box)).toBeLessThanOrEqual(UNRECORDED + IN_FLIGHT)
  })

  test('just after confirming: nothing is lost and nothing comes again', async () => {
    const box = await open()
    const sent = await insert(20)
    await stage.settled()
    await waitFor(async () => !(await isUnconfirmed()), { what: 'all to be confirmed', everyMs: 1 })
    await die()
    await restart()
    await stage.settled()
    expect(arrived(box)).toEqual(sent)
  })
})

function arrived(box: Endpoint): number[] {
  return box
    .bodies()
    .map(({ data }) => data.id as number)
    .toSorted((a, b) => a - b)
}

function distinct(box: Endpoint): number[] {
  return [...new Set(arrived(box))]
}

/** How many requests repeat an earlier one; each must be the same to the byte. */
function repeats({ requests }: Endpoint): number {
  const groups = [...Map.groupBy(requests, ({ headers }) => headers['hook-delivery']).values()]
  for (const [first, ...others] of groups) {
    for (const { headers, body } of others) {
      expect([headers['webhook-id'], body]).toEqual([first!.headers['webhook-id'], first!.body])
    }
  }
  return requests.length - groups.length
}
