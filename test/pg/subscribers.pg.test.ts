import { beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { insertSubscriber, refusalOf } from '../support/subscribers.ts'

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe.each(SERVER_KINDS)('hookd.subscribers on %s', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
  })

  test('fills in everything but event and url', async () => {
    const { id, created_at, updated_at, hmac_secret, batch_wait, ...rest } = await insertSubscriber(db)
    expect(id).toMatch(UUID_V4)
    expect(hmac_secret).toMatch(/^whsec_/)
    expect(Buffer.from(hmac_secret.slice(6), 'base64')).toHaveLength(32)
    expect(created_at).toBeInstanceOf(Date)
    expect(updated_at).toEqual(created_at)
    expect(batch_wait.toPostgres()).toBe('0')
    expect(rest).toEqual({
      event: 'article.created',
      url: 'https://example.com/hook',
      owner: null,
      filter: null,
      content_type: 'application/json',
      envelope: 'hookd',
      hmac_secret_old: null,
      hmac_secret_old_until: null,
      hmac_digest: 'sha256',
      headers: {},
      ordering: 'row',
      concurrency: 8,
      rate_limit: null,
      batch_size: 1,
      timeout: null,
      retry: null,
      active: true,
      disabled_at: null,
      disabled_reason: null,
      config: null,
      label: null,
    })
  })

  test('gives every row an id and a secret of its own, also within one statement', async () => {
    const rows = await db.query(
      `insert into hookd.subscribers (event, url) select 'x', 'https://example.com/' from generate_series(1, 1000)
       returning id, hmac_secret`,
    )
    expect(new Set(rows.map((row) => row.id)).size).toBe(1000)
    expect(new Set(rows.map((row) => row.hmac_secret)).size).toBe(1000)
  })

  test('moves updated_at with every change that is one', async () => {
    const { id, updated_at: inserted } = await insertSubscriber(db)
    const [{ updated_at: same }] = await db.query(
      `update hookd.subscribers set url = url where id = $1 returning updated_at`,
      [id],
    )
    expect(same).toEqual(inserted)
    const [{ later }] = await db.query(
      `update hookd.subscribers set url = 'https://example.com/2' where id = $1 returning updated_at > created_at as later`,
      [id],
    )
    expect(later).toBe(true)
  })

  test.each(['disabled_at', 'disabled_reason'])('resumes when %s is cleared', async (column) => {
    const { id } = await insertSubscriber(db)
    await db.query(`update hookd.subscribers set disabled_at = now(), disabled_reason = '410' where id = $1`, [id])
    const [row] = await db.query(
      `update hookd.subscribers set ${column} = null where id = $1 returning disabled_at, disabled_reason`,
      [id],
    )
    expect(row).toEqual({ disabled_at: null, disabled_reason: null })
  })

  test('writes whole old rows to the WAL', async () => {
    const [row] = await db.query(`select relreplident from pg_class where oid = 'hookd.subscribers'::regclass`)
    expect(row).toEqual({ relreplident: 'f' })
  })

  test.each([
    ['a URL of 250 characters', { url: `https://example.com/${'x'.repeat(230)}` }],
    ['a URL of 2048 characters', { url: `https://example.com/${'x'.repeat(2028)}` }],
    ['an event of 70 characters', { event: 'e'.repeat(70) }],
    ['an event of 255 characters', { event: 'e'.repeat(255) }],
    ['a pattern', { event: 'a.*.c' }],
    ['a URL with a port, a query and an @ in its path', { url: 'HTTP://EXAMPLE.com:8080/@me?a={b}&c#d' }],
    ['an IPv6 address', { url: 'http://[2001:db8::1]:80/' }],
    ['an international name', { url: 'https://bücher.example/' }],
    ['a URL with a template', { url: 'https://example.com/{config.path}' }],
    ['a form', { content_type: 'application/x-www-form-urlencoded' }],
    ['a secret of 16 characters', { hmac_secret: '0123456789abcdef' }],
    ['a secret of punctuation', { hmac_secret: 'C=JTX)v3~dQCl];[_h[{q{CScm]oglLoe&>ga:>R~jR$.x?t|kW!FH:s@|4bu:11' }],
    ['a secret of 24 bytes in base64', { hmac_secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }],
    ['an old secret with its end', { hmac_secret_old: '0123456789abcdef', hmac_secret_old_until: '2030-01-01' }],
    ['fifty headers', { headers: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`X-${i}`, 'v'])) }],
    ['a header of 4096 characters', { headers: { Authorization: `Bearer ${'t'.repeat(4089)}` } }],
    ['an empty header', { headers: { 'X-Empty': '' } }],
    ['any order', { ordering: 'subscriber' }],
    ['a fraction of a request a second', { rate_limit: '0.1' }],
    ['a batch', { batch_size: 1000, batch_wait: '60 seconds', concurrency: 1000 }],
    ['a timeout', { timeout: '1500 ms' }],
    ['a schedule', { retry: { schedule: ['500ms', '1h30m', '1.5h', '7d'] } }],
    ['a number of retries', { retry: { max: 0 } }],
    ['a schedule cut short', { retry: { schedule: ['5s', '1m'], max: 1 } }],
    ['no retries', { retry: 'false' }],
    ['configuration', { config: { list: [1] }, label: 'mine', owner: 'u1' }],
  ])('accepts %s', async (_, columns) => {
    await expect(insertSubscriber(db, columns)).resolves.toMatchObject({ active: true })
  })

  test.each(['SHA512', 'Sha1', 'sha224'])('writes the digest %s in lower case', async (digest) => {
    expect(await insertSubscriber(db, { hmac_digest: digest })).toMatchObject({ hmac_digest: digest.toLowerCase() })
  })

  test('asks of whoever writes a row for no right but to write it', async () => {
    const fresh = await createMigratedDatabase(kind)
    await fresh.query(`insert into hookd.events (name) values ('article.created')`)
    const role = `writer_${fresh.name}`
    await fresh.query(
      `create role ${role}; grant usage on schema hookd to ${role}; grant insert (event, url) on hookd.subscribers to ${role}`,
    )
    const writer = await fresh.client()
    await writer.query(`set role ${role}`)
    await writer.query(`insert into hookd.subscribers (event, url) values ('article.*', 'https://example.com/')`)
    const typo = writer.query(`insert into hookd.subscribers (event, url) values ('artcle.*', 'https://example.com/')`)
    expect((await refusalOf(typo)).hint).toBe('Nearest: "article.created". The table hookd.events lists them all.')
  })

  test('takes ten thousand rows in one statement', async () => {
    const [{ count }] = await db.query(
      `with added as (
         insert into hookd.subscribers (event, url, headers, filter, retry)
         select 'article.' || i, 'https://example.com/' || i, '{"X-A": "b"}', '{"state": "x"}', '{"max": 3}'
         from generate_series(1, 10000) as i returning 1
       ) select count(*)::int from added`,
    )
    expect(count).toBe(10_000)
  })
})
