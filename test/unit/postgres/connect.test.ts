import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { clientConfig, createPool, describeTarget, replicationConfig } from '../../../src/postgres/connect.ts'

/** The session options as the driver will send them. */
function sentOptions(config: pg.ClientConfig): string {
  const { connectionParameters } = new pg.Client(config) as unknown as { connectionParameters: { options: string } }
  return connectionParameters.options
}

describe('a session', () => {
  test('pins the forms of values', () => {
    expect(sentOptions(clientConfig('postgres://me@db/app'))).toBe(
      '-c client_encoding=UTF8 -c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 ' +
        '-c bytea_output=hex -c standard_conforming_strings=on',
    )
  })

  test('keeps what the URL asks for in front, so that the pinned settings win', () => {
    const options = sentOptions(
      clientConfig('postgres://me@db/app?options=-c%20TimeZone%3DAsia%2FKolkata%20-c%20geqo%3Doff'),
    )
    expect(options).toMatch(/^-c TimeZone=Asia\/Kolkata -c geqo=off -c .*-c TimeZone=UTC/)
  })

  test('takes more settings, with spaces and backslashes', () => {
    expect(sentOptions(clientConfig('postgres://me@db/app', { settings: { search_path: 'a, "b\\c"' } }))).toMatch(
      /-c search_path=a,\\ "b\\\\c"$/,
    )
  })

  test('is called hookd unless the URL says otherwise', () => {
    expect(clientConfig('postgres://me@db/app').fallback_application_name).toBe('hookd')
    const named = new pg.Client(clientConfig('postgres://me@db/app?application_name=mine')) as unknown as {
      getStartupConf(): { application_name: string }
    }
    expect(named.getStartupConf().application_name).toBe('mine')
  })

  test('bounds every statement, in the server and here', () => {
    expect(clientConfig('postgres://me@db/app')).toMatchObject({ statement_timeout: 30_000, query_timeout: 35_000 })
    expect(clientConfig('postgres://me@db/app', { statementTimeoutMs: 0 })).not.toHaveProperty('query_timeout')
  })

  test('that replicates has no timeout of statements', () => {
    const config = replicationConfig('postgres://me@db/app')
    expect(config.replication).toBe('database')
    expect(config).not.toHaveProperty('statement_timeout')
  })

  test('keeps a password with any characters', () => {
    const client = new pg.Client(clientConfig('postgres://me:p%40s%3As%2F%3F%23%25@db/app'))
    expect(client.password).toBe('p@s:s/?#%')
  })

  test('asks for TLS as strictly as ever without a warning of the driver', () => {
    expect(
      new URL(clientConfig('postgres://me@db/app?sslmode=require').connectionString!).searchParams.get('sslmode'),
    ).toBe('verify-full')
    const lax = clientConfig('postgres://me@db/app?sslmode=require&uselibpqcompat=true')
    expect(new pg.Client(lax).ssl).toEqual({ rejectUnauthorized: false })
  })
})

test.each(['', 'db/app', 'mysql://me@db/app', 'host=db dbname=app', 'postgres://me:p#w@db:x/app'])(
  'the URL %j is refused without repeating it',
  (url) => {
    expect(() => clientConfig(url)).toThrow(/cannot be read; write postgres:\/\/user:password@host:5432\/database/)
  },
)

test.each([
  ['postgres://me:secret@db:6432/shop', { address: 'db:6432', database: 'shop', role: 'me' }],
  ['postgresql://me@[::1]/shop', { address: '[::1]:5432', database: 'shop', role: 'me' }],
  [
    'postgres://me@localhost/a%20b?sslrootcert=/no/such/file',
    { address: 'localhost:5432', database: 'a b', role: 'me' },
  ],
])('%s is described without its password', (url, target) => {
  expect(describeTarget(url)).toEqual(target)
})

test('a pool has the size that is asked for', async () => {
  const pool = createPool('postgres://me@db/app', { max: 3 })
  expect(pool.options.max).toBe(3)
  await pool.end()
})
