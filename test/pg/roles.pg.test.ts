import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { insertSubscriber, refusalOf } from '../support/subscribers.ts'

const ROLES = readFileSync(new URL('../../sql/roles.sql', import.meta.url), 'utf8')
const DENIED = '42501'

describe.each(SERVER_KINDS)('sql/roles.sql on %s', (kind) => {
  let db: Database
  const suffix = randomBytes(4).toString('hex')
  const u1 = `u1_${suffix}`
  const u2 = `u2_${suffix}`

  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
    await db.query(ROLES)
    await db.query(`create role ${u1} in role hookd_tenant; create role ${u2} in role hookd_tenant`)
    await db.query(`insert into hookd.events (name, manual) values ('article.created', true)`)
    await insertSubscriber(db, { owner: u1 })
    await insertSubscriber(db, { owner: u2 })
    await insertSubscriber(db)
  })

  async function as(role: string, setup = ''): Promise<pg.Client> {
    const client = await db.client()
    await client.query(`set role ${role}; ${setup}`)
    return client
  }

  test('may be run again', async () => {
    await expect(db.query(ROLES)).resolves.not.toThrow()
  })

  test('lets a tenant see, change and remove its own rows and no others', async () => {
    const tenant = await as(u1)
    const { rows } = await tenant.query('select owner from hookd.subscribers')
    expect(rows).toEqual([{ owner: u1 }])
    const changed = await tenant.query(`update hookd.subscribers set label = 'x' where owner = $1 or owner is null`, [
      u2,
    ])
    expect(changed.rowCount).toBe(0)
    const removed = await tenant.query('delete from hookd.subscribers where owner is distinct from $1', [u1])
    expect(removed.rowCount).toBe(0)
    const matching = await tenant.query(`select owner from hookd.matching('article.created')`)
    expect(matching.rows).toEqual([{ owner: u1 }])
  })

  test('lets a tenant subscribe, rotate its secret and unsubscribe, for itself only', async () => {
    const tenant = await as(u1)
    const subscribe = `select hookd.subscribe('article.created', 'https://example.com/', owner => $1) as id`
    const { rows } = await tenant.query<{ id: string }>(subscribe, [u1])
    const id = rows[0]?.id
    await tenant.query('select hookd.rotate_secret($1)', [id])
    expect((await tenant.query('select hookd.unsubscribe($1) as done', [id])).rows).toEqual([{ done: true }])
    for (const owner of [u2, null]) expect((await refusalOf(tenant.query(subscribe, [owner]))).code).toBe(DENIED)
    const handOver = tenant.query('update hookd.subscribers set owner = $1', [u2])
    expect((await refusalOf(handOver)).code).toBe(DENIED)
  })

  test('does not let a tenant rotate or remove the subscriber of another', async () => {
    const tenant = await as(u1)
    const [{ id }] = await db.query('select id from hookd.subscribers where owner = $1', [u2])
    expect((await tenant.query('select hookd.unsubscribe($1) as done', [id])).rows).toEqual([{ done: false }])
    expect((await refusalOf(tenant.query('select hookd.rotate_secret($1)', [id]))).message).toBe(
      `there is no subscriber ${id}`,
    )
  })

  test('gives a tenant nothing for naming another owner in a setting', async () => {
    const tenant = await as(u1, `set hookd.owner = '${u2}'`)
    expect((await tenant.query('select owner from hookd.subscribers')).rows).toEqual([{ owner: u1 }])
  })

  test('keeps ids and times out of the hands of a tenant', async () => {
    const tenant = await as(u1)
    for (const column of ['id = gen_random_uuid()', 'created_at = now()']) {
      expect((await refusalOf(tenant.query(`update hookd.subscribers set ${column}`))).code).toBe(DENIED)
    }
  })

  test.each(['messages', 'deliveries', 'attempts', 'errors', 'progress', 'directory', 'migrations'])(
    'hides hookd.%s from tenants and applications',
    async (table) => {
      for (const role of [u1, 'hookd_app']) {
        const client = await as(role)
        expect((await refusalOf(client.query(`select from hookd.${table}`))).code).toBe(DENIED)
      }
    },
  )

  test('shows an application the rows of the owner that it names, and none without', async () => {
    const app = await as('hookd_app')
    expect((await app.query('select from hookd.subscribers')).rowCount).toBe(0)
    await app.query(`begin; set local hookd.owner = '${u2}'`)
    expect((await app.query('select owner from hookd.subscribers')).rows).toEqual([{ owner: u2 }])
    await app.query('commit')
    expect((await app.query('select from hookd.subscribers')).rowCount).toBe(0)
  })

  test('lets an application emit events, and a tenant not', async () => {
    const [app, tenant] = [await as('hookd_app'), await as(u1)]
    await expect(app.query(`select hookd.emit('article.created')`)).resolves.toMatchObject({ rowCount: 1 })
    expect((await refusalOf(tenant.query(`select hookd.emit('article.created')`))).code).toBe(DENIED)
    expect((await refusalOf(app.query(`select hookd.replay(state => 'dead')`))).code).toBe(DENIED)
  })

  test('lets the daemon read subscribers, disable them and keep the ledger, and nothing else', async () => {
    const daemon = await as('hookd_daemon')
    expect((await daemon.query('select from hookd.subscribers')).rowCount).toBe(3)
    const disabled = await daemon.query(`update hookd.subscribers set disabled_at = now(), disabled_reason = 'gone'`)
    expect(disabled.rowCount).toBe(3)
    await daemon.query(`insert into hookd.progress (slot) values ('s'); delete from hookd.progress`)
    await daemon.query(`select hookd.replay(state => 'dead')`)
    expect((await refusalOf(daemon.query(`update hookd.subscribers set url = 'https://x'`))).code).toBe(DENIED)
    expect((await refusalOf(daemon.query('delete from hookd.subscribers'))).code).toBe(DENIED)
    expect((await refusalOf(daemon.query('create table hookd.x ()'))).code).toBe(DENIED)
  })

  test('keeps hookd.emit() working where the bare function of Postgres is taken away', async () => {
    const argument = kind === 'pg15' ? '' : ', boolean'
    await db.query(`revoke execute on function pg_logical_emit_message(boolean, text, text${argument}) from public`)
    const app = await as('hookd_app')
    const forged = app.query(`select pg_logical_emit_message(true, 'hookd', '{}')`)
    expect((await refusalOf(forged)).code).toBe(DENIED)
    await expect(app.query(`select hookd.emit('article.created')`)).resolves.toMatchObject({ rowCount: 1 })
  })
})
