import { describe, expect, test } from 'vitest'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { setScene } from '../support/scene.ts'

const SQL =
  'create table price (id int primary key, amount numeric, rate float8); alter table price replica identity full'
const YAML = 'events: { price.set: { table: public.price, on: [insert, update] } }\n'

describe.each(SERVER_KINDS)('hookd run, %s', (kind) => {
  test('--once sends what is there and ends', async () => {
    const scene = await setScene(await createDatabase(kind), { sql: SQL, yaml: YAML })
    const receiver = await startReceiver()
    const first = await scene.start({ args: ['--once'] })
    expect(await first.exit).toEqual({ code: 0, signal: null })
    await scene.subscribe(receiver.url)
    await scene.database.query('insert into price select g, g from generate_series(1, 300) g')

    const second = await scene.start({ args: ['--once'] })

    expect(await second.exit).toEqual({ code: 0, signal: null })
    expect(receiver.requests).toHaveLength(300)
    const third = await scene.start({ args: ['--once'] })
    await third.exit
    expect(receiver.requests).toHaveLength(300)
  })

  test('--dry-run prints what would be sent, sends nothing and leaves no slot', async () => {
    const scene = await setScene(await createDatabase(kind), { sql: SQL, yaml: YAML })
    const receiver = await startReceiver()
    const hookd = await scene.start({ args: ['--dry-run'] })
    await scene.subscribe(`${receiver.url}?token=canary`)
    await scene.database.query('insert into price values (1, 9.50)')

    await hookd.waitForOutput(/"amount":9\.50/)

    hookd.kill('SIGTERM')
    expect(await hookd.exit).toEqual({ code: 0, signal: null })
    expect(receiver.requests).toHaveLength(0)
    expect(hookd.stdout() + hookd.stderr()).not.toContain('canary')
    expect(await scene.database.query('select from pg_replication_slots where database = current_database()')).toEqual(
      [],
    )
    expect(await scene.database.query('select from hookd.progress')).toEqual([])
  })

  test('NaN and the infinities arrive as Postgres writes them in JSON, and NULL as null', async () => {
    const scene = await setScene(await createDatabase(kind), { sql: SQL, yaml: YAML })
    const receiver = await startReceiver()
    await scene.start()
    await scene.subscribe(receiver.url, { envelope: 'raw' })
    await scene.database.query(
      `insert into price values (1, 'NaN', '-Infinity'), (2, null, null), (3, 'Infinity', 1e20)`,
    )

    await receiver.waitFor(3)

    expect(receiver.requests.map(({ body }) => body.toString()).toSorted()).toEqual([
      '{"id":1,"amount":"NaN","rate":"-Infinity"}',
      '{"id":2,"amount":null,"rate":null}',
      '{"id":3,"amount":"Infinity","rate":100000000000000000000}',
    ])
  })
})
