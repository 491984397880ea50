import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Endpoint } from '../support/endpoints.ts'
import type { Hookd, HookdOptions } from '../support/hookd.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { startProxy } from '../support/proxy.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const SQL = 'create table item (id int primary key)'
const YAML = `events:
  item.created: { table: public.item, on: insert }
`
/** How often the active one is killed; `npm run test:long` raises it. */
const ROUNDS = Number(process.env['HOOKD_TEST_ROUNDS'] ?? 2)
/** The server gives the slot of a mute one away after a second. */
const QUICK = ['--wal-sender-timeout', '1s']
const IN_FLIGHT = 8 // the default concurrency of a subscriber

describe.each(SERVER_KINDS)('two daemons on one slot, %s', (kind) => {
  let stage: Stage
  let box: Endpoint
  let lastId = 0
  /** Inserts rows in transactions of their own and gives their ids. */
  const insert = async (count: number): Promise<number[]> => {
    const ids = Array.from({ length: count }, () => ++lastId)
    for (const id of ids) await stage.database.query('insert into item values ($1)', [id])
    return ids
  }
  const arrived = (): number[] => box.bodies().map(({ data }) => data.id)
  const startStandby = async (): Promise<Hookd> => {
    const standby = await stage.start({ ready: false, args: QUICK })
    await standby.waitForOutput(/standing by/)
    return standby
  }
  const startBoth = async (options: HookdOptions = {}): Promise<[Hookd, Hookd]> => [
    await stage.start({ args: QUICK, ...options }),
    await startStandby(),
  ]
  /** Answers only when it is told to. */
  const holdBack = () => {
    const released = Promise.withResolvers<void>()
    box.answer(async () => {
      await released.promise
      return 200
    })
    return released
  }

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
  })

  beforeEach(async () => {
    const first = await stage.start()
    box = stage.open()
    await stage.database.query('delete from hookd.subscribers')
    await stage.subscribe(box.url, { event: 'item.*' })
    await stage.settled()
    first.kill('SIGTERM')
    await first.exit
  })

  test('exactly one of them sends what waits, and each delivery once', async () => {
    const ids = await insert(100)
    const daemons = await Promise.all([stage.start({ ready: false }), stage.start({ ready: false })])
    await box.waitFor(100)
    await stage.settled()
    expect(arrived().toSorted((a, b) => a - b)).toEqual(ids)
    await waitFor(() => daemons.some((each) => /standing by/.test(each.stderr())), { what: 'one to stand by' })
    expect(daemons.filter((each) => /"ready"/.test(each.stderr()))).toHaveLength(1)
  })

  test('after kill -9 of the active one the other takes over: nothing is lost, little comes twice', async () => {
    const [active, standby] = await startBoth()
    const before = await insert(20)
    await box.waitFor(20)
    await stage.settled()
    const released = holdBack()
    const during = await insert(20)
    await box.waitFor(20 + IN_FLIGHT)
    active.kill('SIGKILL')
    await active.exit
    const killedAt = Date.now()
    await standby.waitForOutput(/"ready"/)
    expect(Date.now() - killedAt).toBeLessThan(3000)
    released.resolve()
    const after = await insert(20)
    await stage.settled()
    expect([...new Set(arrived())].toSorted((a, b) => a - b)).toEqual([...before, ...during, ...after])
    expect(arrived().length - 60).toBeLessThanOrEqual(IN_FLIGHT)
    const twice = box.requests.filter(({ headers }, at) =>
      box.requests.slice(0, at).some((other) => other.headers['hook-delivery'] === headers['hook-delivery']),
    )
    for (const { headers, body } of twice) {
      const first = box.requests.find((other) => other.headers['hook-delivery'] === headers['hook-delivery'])
      expect(body).toEqual(first!.body)
    }
  })

  test('takes over within two seconds of a kill -9, time after time', async () => {
    let [active, standby] = await startBoth()
    const took: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      active.kill('SIGKILL')
      const killedAt = Date.now()
      const [id] = await insert(1)
      await waitFor(() => arrived().includes(id!), { what: 'the first change after the kill', everyMs: 2 })
      took.push(box.requests.at(-1)!.at - killedAt)
      active = standby
      if (round < ROUNDS - 1) standby = await startStandby()
    }
    process.stderr.write(`${kind}: took over ${took.join(', ')} ms after a kill -9\n`)
    expect(Math.max(...took)).toBeLessThan(2000)
    expect(arrived()).toHaveLength(ROUNDS)
  })

  /** Silences the active one for longer than its slot lasts, and lets it go on. */
  const silences = {
    'is stopped': async () => {
      const [active, standby] = await startBoth()
      return { active, standby, silence: () => active.kill('SIGSTOP'), goOn: () => active.kill('SIGCONT') }
    },
    'is blocked': async () => {
      const [active, standby] = await startBoth({ fault: 'block' })
      return { active, standby, silence: () => active.kill('SIGUSR2'), goOn: () => {} }
    },
    'is cut off': async () => {
      const proxy = await startProxy(Number(new URL(stage.database.url).port))
      const [active, standby] = await startBoth({ env: { DATABASE_URL: proxy.url(stage.database.url) } })
      return { active, standby, silence: () => proxy.freeze(), goOn: () => proxy.thaw() }
    },
  }

  // Who may send does not depend on the plugin, so that one server is enough for the longer ones.
  const tested = Object.entries(silences).slice(0, kind === SERVER_KINDS.at(-1) ? 3 : 1)

  test.each(tested)('one that %s for long sends nothing new when it goes on, and stands by', async (_, start) => {
    const { active, standby, silence, goOn } = await start()
    const released = holdBack()
    const before = await insert(20)
    await box.waitFor(IN_FLIGHT)
    silence()
    const during = await insert(20)
    await standby.waitForOutput(/"ready"/)
    released.resolve()
    await waitFor(() => new Set(arrived()).size === 40, { what: 'everything from the other one' })
    await stage.settled()

    const sent = box.requests.length
    goOn()
    await active.waitForOutput(/standing by/)
    const after = await insert(20)
    await stage.settled()
    expect(box.requests.length).toBe(sent + 20)
    expect([...new Set(arrived())].toSorted((a, b) => a - b)).toEqual([...before, ...during, ...after])
    expect(arrived().length - 60).toBeLessThanOrEqual(IN_FLIGHT)

    standby.kill('SIGKILL')
    await standby.exit
    await waitFor(() => active.stderr().match(/"ready"/g)?.length === 2, { what: 'the first one to be active again' })
    const last = await insert(5)
    await stage.settled()
    expect(
      arrived()
        .slice(-5)
        .toSorted((a, b) => a - b),
    ).toEqual(last)
  })

  test('SIGTERM finishes what is in flight and hands over: nothing is lost, nothing comes twice, exit 0', async () => {
    const [active, standby] = await startBoth()
    const released = holdBack()
    const ids = await insert(40)
    await box.waitFor(IN_FLIGHT)
    active.kill('SIGTERM')
    await active.waitForOutput(/stopping/)
    released.resolve()
    expect(await active.exit).toEqual({ code: 0, signal: null })
    await standby.waitForOutput(/"ready"/)
    ids.push(...(await insert(10)))
    await stage.settled()
    await waitFor(() => new Set(arrived()).size === ids.length, { what: 'all of them' })
    expect(arrived().toSorted((a, b) => a - b)).toEqual(ids)
    expect(standby.stderr()).not.toMatch(/"level":(50|60)/)
  })
})
