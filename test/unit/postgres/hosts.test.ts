import { describe, expect, test } from 'vitest'
import { clientConfig, describeTarget } from '../../../src/postgres/connect.ts'
import { parseHosts, unfitness } from '../../../src/postgres/hosts.ts'

describe('a database URL', () => {
  test.each([
    'postgres://me:secret@db:5432/app',
    'postgresql://me@[::1]/app?sslmode=require#x',
    'postgres://me@%2Frun%2Fpostgresql/app',
    'postgres:///app',
    'not a URL',
  ])('with one server is taken as it is: %s', (url) => {
    expect(parseHosts(url)).toEqual({ urls: [url], wanted: null })
  })

  test('with several servers stands for one URL each, of which the one that takes writes is wanted', () => {
    expect(parseHosts('postgres://me:p,w%40@a:5432,b,[::1]:5433/app?sslmode=require')).toEqual({
      urls: [
        'postgres://me:p,w%40@a:5432/app?sslmode=require',
        'postgres://me:p,w%40@b/app?sslmode=require',
        'postgres://me:p,w%40@[::1]:5433/app?sslmode=require',
      ],
      wanted: 'read-write',
    })
  })

  test.each([
    ['?target_session_attrs=primary', ''],
    ['?target_session_attrs=primary&sslmode=require', '?sslmode=require'],
    ['?sslmode=require&target_session_attrs=primary', '?sslmode=require'],
    ['?a=b&target_session_attrs=primary&c=d#e', '?a=b&c=d#e'],
  ])('says what the server must be: %s', (query, rest) => {
    expect(parseHosts(`postgres://a,b/app${query}`)).toEqual({
      urls: [`postgres://a/app${rest}`, `postgres://b/app${rest}`],
      wanted: 'primary',
    })
    expect(parseHosts(`postgres://a/app${query}`)).toEqual({ urls: [`postgres://a/app${rest}`], wanted: 'primary' })
  })

  test('that asks for something unknown is refused', () => {
    expect(() => clientConfig('postgres://me:secret@a,b/app?target_session_attrs=master')).toThrow(
      'target_session_attrs in the database URL must be any, read-write, read-only, primary, standby, prefer-standby, ' +
        'not "master".',
    )
  })

  test('is refused where one of its servers cannot be read, without repeating it', () => {
    expect(() => clientConfig('postgres://me:secret@a:5432,b:x/app')).toThrow(/cannot be read; write postgres:/)
  })

  test('is described by all of its servers', () => {
    expect(describeTarget('postgres://me:secret@a:5433,b/app?target_session_attrs=any')).toEqual({
      address: 'a:5433, b:5432',
      database: 'app',
      role: 'me',
    })
  })
})

const PRIMARY = { isStandby: false, isReadOnly: false }
const CLOSED = { isStandby: false, isReadOnly: true }
const STANDBY = { isStandby: true, isReadOnly: true }

test.each([
  ['any', PRIMARY, null],
  ['any', STANDBY, null],
  ['read-write', PRIMARY, null],
  ['read-write', CLOSED, 'its sessions are read-only (default_transaction_read_only)'],
  ['read-write', STANDBY, 'it is a standby'],
  ['read-only', PRIMARY, 'it is read-write'],
  ['read-only', CLOSED, null],
  ['read-only', STANDBY, null],
  ['primary', CLOSED, null],
  ['primary', STANDBY, 'it is a standby'],
  ['standby', CLOSED, 'it is a primary'],
  ['standby', STANDBY, null],
  ['prefer-standby', PRIMARY, 'it is a primary'],
  ['prefer-standby', STANDBY, null],
] as const)('of target_session_attrs=%s and %o is said: %s', (wanted, facts, problem) => {
  expect(unfitness(wanted, facts)).toBe(problem)
})
