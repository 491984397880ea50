import { beforeAll, describe, expect, test } from 'vitest'
import { createMailroom } from '../support/mailroom.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const SQL = `
  create table item (id int primary key, v int);
  alter table item replica identity full`

const YAML = `events:
  item.created: { table: public.item, on: insert }
  item.changed: { table: public.item, on: update }
  row.added: { table: public.item, on: insert }
  row.begun: { table: public.item, on: insert }
delivery: { timeout: 60s, spill_after: 300ms, retry: { schedule: [100ms, 100ms, 200ms, 500ms, 1s, 1s, 1s, 1s, 1s, 1s] } }
`

describe.each(SERVER_KINDS)('what an endpoint has not taken in time, %s', (kind) => {
  let stage: Stage
  let telemetry: string
  const open = createMailroom(() => stage)
  const ask = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(new URL(path, telemetry))
    return [answer.status, await answer.text()]
  }

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    const hookd = await stage.start({ args: ['--listen', '127.0.0.1:0'] })
    telemetry = (await hookd.waitForOutput(/"telemetryUrl":"([^"]+)"/))[1]!
  })

  test('is stored, seen in the metrics, and sent in the order of its row once the endpoint answers', async () => {
    const well = Promise.withResolvers<void>()
    const answer = async () => {
      await well.promise
      return 200
    }
    const [hung, several] = [await open({}, answer), await open({ event: 'row.*' }, answer)]
    const [failing, healthy] = [await open({}, 500), await open()]
    await stage.database.query('insert into item select n, 1 from generate_series(1, 30) n')
    await stage.database.query('update item set v = 2')
    await stage.settled()
    await healthy.waitFor(60)
    expect(healthy.requests).toHaveLength(60)
    for (const box of [hung, failing]) {
      expect((await box.deliveries()).map(({ state }) => state)).toEqual(Array.from({ length: 60 }, () => 'pending'))
    }
    expect(hung.requests).toHaveLength(8)

    expect([await ask('/healthz'), await ask('/readyz')]).toEqual([
      [200, 'ok\n'],
      [200, 'ready\n'],
    ])
    const spilled = async () => /^hookd_lanes_spilled 3$/m.test((await ask('/metrics'))[1])
    await waitFor(spilled, { what: 'nothing but the healthy lane not to be spilled' })
    const [, metrics] = await ask('/metrics')
    expect(metrics).toMatch(/^hookd_active 1$/m)
    expect(metrics).toMatch(/^hookd_subscribers 4$/m)
    expect(metrics).toMatch(/^hookd_messages_total\{event="item.created"\} 30$/m)
    expect(metrics).toMatch(/^hookd_deliveries_total\{outcome="retry"\} [1-9]/m)
    expect(metrics).not.toMatch(/whsec_|127\.0\.0\.1/)

    failing.answer(200)
    const failed = failing.requests.length
    well.resolve()
    for (const [box, first] of [
      [hung, 0],
      [failing, failed],
    ] as const) {
      await box.waitFor(first + 60)
      const rows = Map.groupBy(box.bodies().slice(first), ({ data }) => data.id)
      expect(new Set([...rows.values()].map((bodies) => bodies.map(({ data }) => data.v).join()))).toEqual(
        new Set(['1,2']),
      )
      await waitFor(async () => (await box.deliveries()).every(({ state }) => state === 'delivered'), {
        what: 'every delivery to be recorded',
      })
    }
    await several.waitFor(60)
    for (const bodies of Map.groupBy(several.bodies(), ({ data }) => data.id).values()) {
      expect(bodies.map(({ event }) => event)).toEqual(['row.added', 'row.begun'])
    }
    await waitFor(async () => /^hookd_lanes_spilled 0$/m.test((await ask('/metrics'))[1]), {
      what: 'the lanes to be direct again',
    })
    await stage.database.query('insert into item values (31, 1)')
    await stage.settled()
    for (const box of [hung, failing, healthy]) {
      expect(box.bodies().filter(({ data }) => data.id === 31)).toHaveLength(1)
    }
  })
})
