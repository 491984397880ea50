import { beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { dumpSchema } from '../support/schema-dump.ts'

describe.each(SERVER_KINDS)('the schema on %s', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
  })

  test('equals the committed snapshot, which "vitest -u" rewrites', async () => {
    await expect(await dumpSchema(await db.client())).toMatchFileSnapshot('./schema.snapshot.sql')
  })

  test('describes every table, column and function', async () => {
    const silent = await db.query(
      `select c.relname || coalesce('.' || a.attname, '') as name
       from pg_class c
       left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       where c.relnamespace = 'hookd'::regnamespace and c.relkind = 'r'
         and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)
       union all
       select proname from pg_proc
       where pronamespace = 'hookd'::regnamespace and obj_description(oid, 'pg_proc') is null`,
    )
    expect(silent).toEqual([])
  })

  test('pins the search path of every function', async () => {
    const loose = await db.query(
      `select proname from pg_proc
       where pronamespace = 'hookd'::regnamespace
         and not coalesce('search_path=pg_catalog, pg_temp' = any (proconfig), false)`,
    )
    expect(loose).toEqual([])
  })

  test('gives nothing to everybody but the default of a column', async () => {
    const open = await db.query(
      `select proname as name from pg_proc
       where pronamespace = 'hookd'::regnamespace
         and has_function_privilege((select oid from pg_roles where rolname = 'pg_monitor'), oid, 'execute')
       union all
       select relname from pg_class
       where relnamespace = 'hookd'::regnamespace and relkind = 'r'
         and has_table_privilege('pg_monitor', oid, 'select, insert, update, delete')`,
    )
    expect(open).toEqual([{ name: 'random_secret' }])
  })

  test('lets only the functions that check what they are given run with the rights of the owner', async () => {
    const definers = await db.query(
      `select proname as name from pg_proc where pronamespace = 'hookd'::regnamespace and prosecdef order by 1`,
    )
    expect(definers).toEqual([{ name: 'emit' }, { name: 'subscribers_validate' }])
  })

  test('finds pending deliveries, due ones and those of a row by an index', async () => {
    const client = await db.client()
    await client.query('set enable_seqscan = off')
    const plan = async (sql: string) => JSON.stringify((await client.query(`explain (format json) ${sql}`)).rows)
    const pending = `select * from hookd.deliveries where subscriber_id = '00000000-0000-4000-8000-000000000000' and state = 'pending'`
    expect(
      await plan(`${pending} and attempts = 0 order by commit_lsn, lsn, ordinal, declared_event, id limit 9`),
    ).toContain('deliveries_fresh')
    expect(await plan(`${pending} and attempts > 0 order by next_attempt_at limit 9`)).toContain('deliveries_due')
    expect(await plan(`${pending} and row_key = 'k'`)).toContain('deliveries_row')
    expect(
      await plan(
        `select * from hookd.deliveries where state <> 'pending' and settled_at < now() order by settled_at limit 9`,
      ),
    ).toContain('deliveries_settled')
  })
})
