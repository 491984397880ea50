import { beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { insertSubscriber, refusalOf } from '../support/subscribers.ts'

const NOBODY = '00000000-0000-4000-8000-000000000000'

describe.each(SERVER_KINDS)('subscribing by function on %s', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
  })

  async function rowOf(id: string) {
    const [row] = await db.query(
      `select to_jsonb(s) - '{id,hmac_secret,created_at,updated_at}'::text[] as row, hmac_secret as secret
       from hookd.subscribers s where id = $1`,
      [id],
    )
    return row
  }

  test('gives the same row as an insert', async () => {
    const inserted = await insertSubscriber(db)
    const [{ id }] = await db.query(`select hookd.subscribe('article.created', 'https://example.com/hook') as id`)
    const { row, secret } = await rowOf(id)
    expect(row).toEqual((await rowOf(inserted.id)).row)
    expect(secret).toMatch(/^whsec_.{44}$/)
  })

  test('takes every column by its name', async () => {
    const [{ id }] = await db.query(
      `select hookd.subscribe('a.*', 'https://example.com/', owner => 'u1', filter => '{"a": 1}',
         content_type => 'application/x-www-form-urlencoded', envelope => 'flat', hmac_secret => '0123456789abcdef',
         hmac_digest => 'SHA1', headers => '{"X-A": "b"}', ordering => 'none', concurrency => 2, rate_limit => 0.5,
         batch_size => 1, batch_wait => '1 s', timeout => '2 s', retry => '{"max": 1}', active => false,
         config => '{"k": 1}', label => 'mine') as id`,
    )
    const { row, secret } = await rowOf(id)
    expect(secret).toBe('0123456789abcdef')
    expect(row).toEqual({
      event: 'a.*',
      url: 'https://example.com/',
      owner: 'u1',
      filter: { a: 1 },
      content_type: 'application/x-www-form-urlencoded',
      envelope: 'flat',
      hmac_secret_old: null,
      hmac_secret_old_until: null,
      hmac_digest: 'sha1',
      headers: { 'X-A': 'b' },
      ordering: 'none',
      concurrency: 2,
      rate_limit: 0.5,
      batch_size: 1,
      batch_wait: '0:00:01',
      timeout: '0:00:02',
      retry: { max: 1 },
      active: false,
      disabled_at: null,
      disabled_reason: null,
      config: { k: 1 },
      label: 'mine',
    })
  })

  test('refuses what an insert refuses', async () => {
    expect(await refusalOf(db.query(`select hookd.subscribe('a', 'ftp://e.com')`))).toMatchObject({
      code: '23514',
      message: 'invalid url: the scheme "ftp" cannot be posted to',
    })
  })

  test('ends with hookd.unsubscribe(), which says whether there was anything to end', async () => {
    const { id } = await insertSubscriber(db)
    expect(await db.query('select hookd.unsubscribe($1) as done', [id])).toEqual([{ done: true }])
    expect(await db.query('select hookd.unsubscribe($1) as done', [id])).toEqual([{ done: false }])
  })

  test('hookd.rotate_secret() returns the new secret and keeps the old one for a day', async () => {
    const before = await insertSubscriber(db)
    const [{ secret }] = await db.query('select hookd.rotate_secret($1) as secret', [before.id])
    const [after] = await db.query(
      `select hmac_secret, hmac_secret_old, hmac_secret_old_until = updated_at + interval '24 hours' as for_a_day
       from hookd.subscribers where id = $1`,
      [before.id],
    )
    expect(secret).toMatch(/^whsec_.{44}$/)
    expect(secret).not.toBe(before.hmac_secret)
    expect(after).toEqual({ hmac_secret: secret, hmac_secret_old: before.hmac_secret, for_a_day: true })
  })

  test('hookd.rotate_secret() without an overlap drops the old one', async () => {
    const { id } = await insertSubscriber(db)
    await db.query('select hookd.rotate_secret($1)', [id])
    await db.query(`select hookd.rotate_secret($1, '0')`, [id])
    expect(
      await db.query('select hmac_secret_old, hmac_secret_old_until from hookd.subscribers where id = $1', [id]),
    ).toEqual([{ hmac_secret_old: null, hmac_secret_old_until: null }])
  })

  test('hookd.rotate_secret() refuses an unknown subscriber and a negative overlap', async () => {
    expect(await refusalOf(db.query('select hookd.rotate_secret($1)', [NOBODY]))).toMatchObject({
      code: 'P0002',
      message: `there is no subscriber ${NOBODY}`,
      hint: 'Look it up in hookd.subscribers.',
    })
    expect(await refusalOf(db.query(`select hookd.rotate_secret($1, '-1 s')`, [NOBODY]))).toMatchObject({
      code: '22023',
      message: 'invalid overlap: it is null or negative',
    })
  })
})
