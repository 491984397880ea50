import { describe, expect, test } from 'vitest'
import { HookdError } from '../../../src/errors.ts'
import { classifyPostgresError, type PostgresFailure } from '../../../src/postgres/classify-error.ts'
import { explainConnectError } from '../../../src/postgres/connect-error.ts'
import { warnOfVersion } from '../../../src/postgres/server.ts'
import { explainStreamError, interrupted, SlotActiveError } from '../../../src/replication/stream-error.ts'

function failure(code: string | null, message = 'no', routine?: string): Error {
  return Object.assign(new Error(message), code === null ? {} : { code }, routine === undefined ? {} : { routine })
}

describe('outside of replication', () => {
  const table: [what: string, error: unknown, kind: PostgresFailure][] = [
    ['a refused connection', failure('ECONNREFUSED'), 'transient'],
    ['a cut connection', failure('ECONNRESET'), 'transient'],
    ['a name that does not resolve', failure('ENOTFOUND'), 'transient'],
    ['a connection failure', failure('08006'), 'transient'],
    ['too many connections', failure('53300'), 'transient'],
    ['a full disk', failure('53100'), 'transient'],
    ['a server that starts', failure('57P03'), 'transient'],
    ['a server that stops', failure('57P01'), 'transient'],
    ['a crash', failure('57P02'), 'transient'],
    ['a serialization failure', failure('40001'), 'transient'],
    ['a deadlock', failure('40P01'), 'transient'],
    ['a statement timeout', failure('57014'), 'transient'],
    ['a primary that became a standby', failure('25006'), 'transient'],
    [
      'a connection that ended, as the driver says it',
      failure(null, 'Connection terminated unexpectedly'),
      'transient',
    ],
    ['a connection attempt that took too long', failure(null, 'timeout expired'), 'transient'],
    ['a pool without a free connection', failure(null, 'timeout exceeded when trying to connect'), 'transient'],
    ['an answer that took too long', failure(null, 'Query read timeout'), 'transient'],
    ['our own giving up', interrupted('silent'), 'transient'],
    ['a wrong password', failure('28P01'), 'auth'],
    ['a role that is not let in', failure('28000'), 'auth'],
    ['an object in use', failure('55006'), 'slot_active'],
    ['a limit of the configuration', failure('53400'), 'fatal'],
    ['a missing table', failure('42P01'), 'fatal'],
    ['a missing object', failure('42704'), 'fatal'],
    ['a dropped database', failure('57P04'), 'fatal'],
    ['a bug', new TypeError('x is not a function'), 'fatal'],
    ['something thrown that is no error', 'no', 'fatal'],
  ]
  test.each(table)('%s', (_what, error, kind) => {
    expect(classifyPostgresError(error)).toBe(kind)
  })
})

describe('in replication', () => {
  const table: [what: string, error: Error, kind: PostgresFailure][] = [
    [
      'a slot that does not exist',
      failure('42704', 'replication slot "x" does not exist', 'ReplicationSlotAcquire'),
      'slot_lost',
    ],
    ['a slot that was invalidated', failure('55000', 'cannot read from it', 'StartLogicalReplication'), 'slot_lost'],
    ['a WAL segment that was removed', failure('58P01', 'requested WAL segment', 'WalSndSegmentOpen'), 'slot_lost'],
    ['a publication that does not exist', failure('42704', 'no', 'get_publication_oid'), 'fatal'],
    ['a plugin that does not exist', failure('58P01', 'no', 'internal_load_library'), 'fatal'],
    ['a database that takes no connections', failure('55000', 'no', 'CheckMyDatabase'), 'transient'],
    ['a server without logical WAL', failure('55000', 'no', 'CheckLogicalDecodingRequirements'), 'fatal'],
    ['a slot in use', failure('55006'), 'slot_active'],
    ['a server that stops', failure('57P01'), 'transient'],
  ]
  test.each(table)('%s', (_what, error, kind) => {
    expect(classifyPostgresError(error, 'replication')).toBe(kind)
  })

  test('whoever has the slot is named by process id, in any language', () => {
    const german = failure('55006', 'Replikations-Slot »hookd2« ist aktiv für PID 4711')
    expect(explainStreamError(german, 'hookd2', 0n)).toMatchObject({
      name: 'SlotActiveError',
      code: '55006',
      holderPid: 4711,
      message: 'slot "hookd2" is in use by the server process 4711',
    })
    expect(new SlotActiveError('hookd', null).message).toBe('slot "hookd" is in use by another process')
  })

  test('an error that goes away by itself is left as it is', () => {
    const error = failure('57P01')
    expect(explainStreamError(error, 'hookd', 0n)).toBe(error)
  })

  test('a plugin that was uninstalled is named', () => {
    const error = failure('58P01', 'could not access file "wal2json"', 'internal_load_library')
    expect(explainStreamError(error, 'hookd', 0n)).toMatchObject({ code: 'HOOKD_PLUGIN_MISSING' })
  })
})

describe('a connection that fails is explained', () => {
  const url = 'postgres://ann:s3cret@db.example.com:6432/shop?application_name=x'
  const table: [what: string, error: Error, code: string, says: RegExp][] = [
    [
      'nobody listens',
      failure('ECONNREFUSED'),
      'HOOKD_DATABASE_UNREACHABLE',
      /^db\.example\.com:6432: nothing listens/,
    ],
    ['no such host', failure('ENOTFOUND'), 'HOOKD_DATABASE_UNREACHABLE', /cannot be resolved/],
    ['no answer', failure(null, 'timeout expired'), 'HOOKD_DATABASE_UNREACHABLE', /no answer in time/],
    [
      'another service',
      failure(null, 'Connection terminated unexpectedly'),
      'HOOKD_DATABASE_UNREACHABLE',
      /Is it Postgres/,
    ],
    ['wrong password', failure('28P01'), 'HOOKD_DATABASE_AUTH', /wrong password for role "ann"/],
    [
      'no password',
      failure(null, 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
      'HOOKD_DATABASE_AUTH',
      /needs a password/,
    ],
    [
      'no role',
      failure('28000', 'role "ann" does not exist'),
      'HOOKD_DATABASE_AUTH',
      /role "ann" does not exist.*Correct the role/,
    ],
    [
      'TLS wanted',
      failure('28000', 'no pg_hba.conf entry for host "1.2.3.4", user "ann", database "shop", no encryption'),
      'HOOKD_DATABASE_AUTH',
      /sslmode=verify-full/,
    ],
    [
      'no database',
      failure('3D000', 'database "shop" does not exist'),
      'HOOKD_DATABASE_MISSING',
      /there is no database "shop"/,
    ],
    ['too many', failure('53300', 'sorry, too many clients already'), 'HOOKD_DATABASE_BUSY', /too many clients/],
    [
      'starting',
      failure('57P03', 'the database system is starting up'),
      'HOOKD_DATABASE_BUSY',
      /starting up.*Try again/,
    ],
    [
      'no replication',
      failure('42501', 'permission denied to start WAL sender'),
      'HOOKD_DATABASE_AUTH',
      /ALTER ROLE "ann" REPLICATION;/,
    ],
    ['no TLS', failure(null, 'The server does not support SSL connections'), 'HOOKD_DATABASE_TLS', /Remove sslmode/],
    [
      'unknown CA',
      failure('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'),
      'HOOKD_DATABASE_TLS',
      /sslrootcert=/,
    ],
  ]
  test.each(table)('%s', (_what, error, code, says) => {
    const explained = explainConnectError(error, url)
    expect(explained).toBeInstanceOf(HookdError)
    expect(explained).toMatchObject({ code, cause: error })
    expect((explained as Error).message).toMatch(says)
    expect((explained as Error).message).not.toContain('s3cret')
  })

  test('but an error of another kind is left as it is', () => {
    const bug = new TypeError('x is not a function')
    expect(explainConnectError(bug, url)).toBe(bug)
  })
})

describe('a server is warned of', () => {
  test.each([
    [130023, /13\.23 is older/],
    [140018, /14\.18 has bugs.*14\.19/],
    [150013, /15\.13 has bugs.*15\.14/],
    [160009, /16\.9 has bugs.*16\.10/],
    [170005, /17\.5 has bugs.*17\.6/],
  ])('%i', (version, says) => {
    expect(warnOfVersion(version)).toMatch(says)
  })

  test.each([140019, 150014, 150018, 160010, 170006, 180000, 180004])('unless it is sound, as %i', (version) => {
    expect(warnOfVersion(version)).toBeNull()
  })
})
