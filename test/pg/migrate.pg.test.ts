import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../src/postgres/migrate.ts'
import { readMigrations, toMigration } from '../../src/postgres/migrations.ts'
import { createDatabase, SERVER_KINDS, type Database } from '../support/postgres.ts'

const SHIPPED = readMigrations()
const NAMES = SHIPPED.map(({ name }) => name)

describe.each(SERVER_KINDS)('migrate() on %s', (kind) => {
  test('applies every file in order, and nothing the second time', async () => {
    const db = await createDatabase(kind)
    expect(await migrate({ connectionString: db.url })).toEqual({ applied: NAMES })
    expect(await migrate({ connectionString: db.url })).toEqual({ applied: [] })
    expect(await recorded(db)).toEqual(SHIPPED.map(({ name, checksum, breaking }) => ({ name, checksum, breaking })))
  })

  test('leaves a client that it is handed open', async () => {
    const db = await createDatabase(kind)
    const client = await db.client()
    await migrate(client)
    await expect(client.query('select 1')).resolves.toMatchObject({ rowCount: 1 })
  })

  test('started by eight processes at once runs once', async () => {
    const db = await createDatabase(kind)
    const results = await Promise.all(Array.from({ length: 8 }, () => migrate({ connectionString: db.url })))
    expect(results.map(({ applied }) => applied.length).toSorted((a, b) => b - a)).toEqual([
      NAMES.length,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ])
  })

  test('that dies in the middle leaves nothing, and the next one starts afresh', async () => {
    const db = await createDatabase(kind)
    const deadly = toMigration('0900_dies.sql', 'select pg_terminate_backend(pg_backend_pid());')
    await expect(migrate({ connectionString: db.url }, [...SHIPPED, deadly])).rejects.toMatchObject({ code: '57P01' })
    expect(await db.query(`select to_regnamespace('hookd') as schema`)).toEqual([{ schema: null }])
    expect(await migrate({ connectionString: db.url })).toEqual({ applied: NAMES })
  })

  test('that fails in the middle leaves its client usable', async () => {
    const db = await createDatabase(kind)
    const client = await db.client()
    await expect(migrate(client, [...SHIPPED, toMigration('0900_bad.sql', 'select 1 / 0')])).rejects.toThrow(
      'division by zero',
    )
    expect(await migrate(client)).toEqual({ applied: NAMES })
  })

  test('ignores what the role has set for isolation, writing and waiting', async () => {
    const db = await createDatabase(kind)
    const client = await db.client()
    await client.query(
      `set default_transaction_isolation = 'serializable'; set default_transaction_read_only = on; set statement_timeout = '1s'`,
    )
    const [, result] = await Promise.all([migrate({ connectionString: db.url }), migrate(client)])
    expect([NAMES, []]).toContainEqual(result.applied)
  })

  test('goes on after a migration of a newer version, unless that is marked as breaking', async () => {
    const db = await createDatabase(kind)
    const mild = toMigration('0900_mild.sql', 'create table hookd.newer (id int);')
    await migrate({ connectionString: db.url }, [...SHIPPED, mild])
    expect(await migrate({ connectionString: db.url })).toEqual({ applied: [] })

    const breaking = toMigration('0901_breaking.sql', '--! breaking\ndrop table hookd.newer;')
    await migrate({ connectionString: db.url }, [...SHIPPED, mild, breaking])
    await expect(migrate({ connectionString: db.url })).rejects.toMatchObject({
      name: 'HookdError',
      code: 'HOOKD_MIGRATION_UNKNOWN',
      message:
        'the schema "hookd" went through 0901_breaking.sql, which this version does not know and cannot work with. ' +
        'Run the newer hookd that migrated it.',
    })
  })

  test('refuses a file that is not what was applied under its name', async () => {
    const db = await createDatabase(kind)
    const was = toMigration('0900_x.sql', 'select 1;')
    await migrate({ connectionString: db.url }, [...SHIPPED, was])
    await expect(
      migrate({ connectionString: db.url }, [...SHIPPED, toMigration('0900_x.sql', 'select 2;')]),
    ).rejects.toMatchObject({ code: 'HOOKD_MIGRATION_CHANGED' })
  })

  test('names the GRANT that is missing where it may not create the schema', async () => {
    const db = await createDatabase(kind)
    const { client, role } = await asNewRole(db)
    await expect(migrate(client)).rejects.toMatchObject({
      name: 'HookdError',
      code: 'HOOKD_MIGRATION_PRIVILEGE',
      message:
        `role "${role}" may not migrate (permission denied for database ${db.name}). ` +
        `Run "GRANT CREATE ON DATABASE "${db.name}" TO "${role}";", then "hookd migrate".`,
    })
    await db.query(`grant create on database "${db.name}" to "${role}"`)
    expect(await migrate(client)).toEqual({ applied: NAMES })
  })

  test('works within a schema that an administrator has made', async () => {
    const db = await createDatabase(kind)
    const { client, role } = await asNewRole(db)
    await db.query('create schema hookd')
    await expect(migrate(client)).rejects.toThrow(
      `Run "GRANT USAGE, CREATE ON SCHEMA hookd TO "${role}";", then "hookd migrate".`,
    )
    await db.query(`grant usage, create on schema hookd to "${role}"`)
    expect(await migrate(client)).toEqual({ applied: NAMES })
  })

  test('needs nothing but to read what was applied where nothing is to be done', async () => {
    const db = await createDatabase(kind)
    await migrate({ connectionString: db.url })
    const { client, role } = await asNewRole(db)
    await expect(migrate(client)).rejects.toThrow(
      `Run "hookd migrate" as postgres, who owns the schema; for running hookd afterwards ` +
        `"GRANT USAGE ON SCHEMA hookd TO "${role}"; GRANT SELECT ON hookd.migrations TO "${role}";", or see sql/roles.sql.`,
    )
    await db.query(`grant usage on schema hookd to "${role}"; grant select on hookd.migrations to "${role}"`)
    expect(await migrate(client)).toEqual({ applied: [] })
  })
})

async function recorded(db: Database): Promise<unknown[]> {
  return db.query('select name, checksum, breaking from hookd.migrations order by name')
}

async function asNewRole(db: Database): Promise<{ client: pg.Client; role: string }> {
  const role = `Role ${randomBytes(4).toString('hex')}`
  const client = await db.client()
  await client.query(`create role "${role}"; set role "${role}"`)
  return { client, role }
}
