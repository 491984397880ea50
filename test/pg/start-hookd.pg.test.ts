import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { startHookd, verify, type Log, type StartOptions } from '../../src/index.ts'
import { atEnd } from '../support/at-end.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { setScene, type Scene } from '../support/scene.ts'
import { waitFor } from '../support/wait.ts'

const SECRET = 'a secret of the subscriber'
const SQL = 'create table article (id int primary key, title text)'
const CREATED = 'events: { article.created: { table: public.article, on: insert } }\n'
const REMOVED = 'events: { article.removed: { table: public.article, on: delete } }\n'
const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Slots belong to the whole server, which other tests use too. */
function optionsFor({ database, config }: Scene): StartOptions {
  const slot = `library_${randomBytes(6).toString('hex')}`
  return { databaseUrl: database.url, config, plugin: database.plugin, slot, log: SILENT }
}

/** Starts hookd in this process; stopped when the test ends. */
function start(options: StartOptions) {
  const hookd = startHookd(options)
  atEnd(() => hookd.stop().catch(() => {}))
  return hookd
}

describe.each(SERVER_KINDS)('startHookd, %s', (kind) => {
  test('sends webhooks that verify(), reads its file again, and lets go of the slot when it is stopped', async () => {
    const scene = await setScene(await createDatabase(kind), { sql: SQL, yaml: CREATED })
    const receiver = await startReceiver()
    const options = optionsFor(scene)

    const hookd = start({ ...options, listen: '127.0.0.1:0' })
    const ready = await hookd.ready
    expect(ready).toMatchObject({ slot: options.slot, plugin: scene.database.plugin })
    expect(await (await fetch(`${ready?.telemetryUrl}/readyz`)).text()).toBe('ready\n')

    await scene.subscribe(receiver.url, { hmac_secret: SECRET })
    await scene.database.query(`insert into article values (1, 'A')`)
    const [created] = await receiver.waitFor(1)
    expect(verify(created!, SECRET)).toMatchObject({ event: 'article.created', scheme: 'webhook-signature' })

    await scene.write(REMOVED)
    hookd.reload()
    await waitFor(
      async () => (await scene.database.query(`select from hookd.events where name = 'article.removed'`))[0],
    )
    await scene.database.query('delete from article')
    const [, removed] = await receiver.waitFor(2)
    expect(verify(removed!, SECRET).json()).toMatchObject({ event: 'article.removed', data: { id: 1 } })

    await hookd.stop()
    await expect(hookd.stop()).resolves.toBeUndefined()
    const [slot] = await scene.database.query('select active from pg_replication_slots where slot_name = $1', [
      options.slot,
    ])
    expect(slot).toEqual({ active: false })
  })

  test('a standby takes over; one that is stopped before has "ready" give null', async () => {
    const scene = await setScene(await createDatabase(kind), { sql: SQL, yaml: CREATED })
    const options = optionsFor(scene)
    const active = start(options)
    await active.ready

    const stopped = start(options)
    await stopped.stop()
    expect(await stopped.ready).toBeNull()

    const standby = start(options)
    await active.stop()
    expect(await standby.ready).toMatchObject({ slot: options.slot })
  })

  test('a slot that is gone rejects "ready" with the next step, and nothing else complains', async () => {
    const scene = await setScene(await createDatabase(kind), { sql: SQL, yaml: CREATED })
    const options = optionsFor(scene)
    const first = start(options)
    await first.ready
    await first.stop()
    await scene.database.query('select pg_drop_replication_slot($1)', [options.slot])

    await expect(start(options).ready).rejects.toMatchObject({
      name: 'HookdError',
      code: 'HOOKD_SLOT_MISSING',
      message: expect.stringContaining('hookd run --accept-gap'),
    })
  })
})
