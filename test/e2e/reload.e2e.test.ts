import { beforeAll, describe, expect, test } from 'vitest'
import type { Endpoint } from '../support/endpoints.ts'
import type { Hookd } from '../support/hookd.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'
import { BROKEN_STRUCTURE } from '../unit/config/broken-structure.ts'

const SQL = 'create table article (id int primary key, title text)'
const CREATED = 'article.created: { table: public.article, on: insert }'
/** Files that are broken whatever the tables look like, and stay so with the lines that stage and scene add. */
const BROKEN = BROKEN_STRUCTURE.filter(
  ({ what, text }) => text.replaceAll('¶', '').startsWith('events:\n  ') && what !== 'an open quote',
).slice(0, 24)

describe.each(SERVER_KINDS)('SIGHUP, %s:', (kind) => {
  let stage: Stage
  let hookd: Hookd
  let fixed: Endpoint
  let box: Endpoint
  let lastId = 0
  const insert = () => stage.database.query('insert into article values ($1)', [++lastId])
  const declare = (...events: string[]) =>
    stage.write(`events:\n  ${events.join('\n  ')}\ndelivery: { retry: { schedule: [300ms, 300ms, 300ms, 1h] } }\n`)
  /** Sends it and gives the line that says what came of it. */
  const reload = async (): Promise<string> => {
    const before = hookd.stderr().length
    hookd.kill('SIGHUP')
    const said = /.*(?:loaded the new|kept the old) configuration.*/
    return waitFor(() => said.exec(hookd.stderr().slice(before))?.[0], { what: 'an answer to SIGHUP', everyMs: 5 })
  }
  const states = async (id: string) => (await stage.deliveries(id)).map(({ state }) => state)

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: `events:\n  ${CREATED}\n` })
    fixed = stage.open(500)
    hookd = await stage.start()
    box = stage.open()
    await stage.subscribe(box.url, { event: 'article.*' })
  })

  test('no broken file changes anything, and each is told with line and column', async () => {
    const wrong: string[] = []
    for (const { what, text, messages } of BROKEN) {
      // The stage adds a line of its own behind the first.
      const before = text.slice(0, text.indexOf('¶')).split('\n')
      const place = `hookd.yaml:${before.length + 1}:${before.at(-1)!.length + 1} `
      await stage.write(text.replaceAll('¶', ''))
      const said = await reload()
      if (!said.includes('kept the old') || !said.includes(place) || messages.length === 0)
        wrong.push(`${what}: ${said}`)
    }
    expect(wrong).toEqual([])
    expect(BROKEN.length).toBeGreaterThan(20)
    await insert()
    await stage.settled()
    expect(box.events()).toEqual(['article.created'])
  })

  test('what is pending of an event that is no longer declared is still sent, and counted', async () => {
    await declare(CREATED)
    expect(await reload()).toContain('loaded the new')
    const failing = stage.open((_request, index) => (index < 2 ? 500 : 200))
    const id = await stage.subscribe(failing.url, { event: 'article.created', ordering: 'subscriber' })
    await insert()
    await insert()
    await stage.settled()
    expect(await states(id)).toEqual(['pending', 'pending'])

    await declare('article.removed: { table: public.article, on: delete }')
    expect(await reload()).toContain('loaded the new')

    await hookd.waitForOutput(
      /"event":"article\.created","count":2,"msg":"event \\"article\.created\\" is no longer declared/,
    )
    await waitFor(async () => (await states(id)).every((state) => state === 'delivered'), { what: 'both to be sent' })
    await insert()
    await stage.settled()
    expect(failing.requests).toHaveLength(4)
  })

  test('what is pending for a subscriber that the file no longer has is cancelled, and counted', async () => {
    await declare(`article.fixed: { table: public.article, on: insert, subscribers: ["${fixed.url}"] }`)
    expect(await reload()).toContain('loaded the new')
    await insert()
    await insert()
    await stage.settled()
    const pending = `select subscriber_id as id from hookd.deliveries where event = 'article.fixed' and state = 'pending'`
    const [{ id }] = await stage.database.query(pending)

    await declare('article.fixed: { table: public.article, on: insert }')
    expect(await reload()).toContain('loaded the new')

    await hookd.waitForOutput(/"count":2,"msg":"cancelled the pending deliveries of a removed subscriber/)
    expect(await states(id)).toEqual(['cancelled', 'cancelled'])
    await insert()
    await stage.settled()
    expect(await stage.database.query(pending)).toEqual([])
  })

  test('a subscriber of the file keeps what is pending for it, and is signed with its new secret', async () => {
    const recovering = stage.open(500)
    const subscribed = (secret: string) =>
      declare(
        `article.fixed: { table: public.article, on: insert, subscribers: [{ url: "${recovering.url}", secret: "${secret}" }] }`,
      )
    await subscribed('the first secret of it')
    await reload()
    await insert()
    await recovering.waitFor(1)
    recovering.answer(200)
    await subscribed('the other secret of it')
    await reload()
    await recovering.waitFor(2)
    const [first, second] = recovering.requests
    expect(second!.headers['hook-delivery']).toBe(first!.headers['hook-delivery'])
    expect(second!.headers['hook-hmac']).not.toBe(first!.headers['hook-hmac'])
  })
})
