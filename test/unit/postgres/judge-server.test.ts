import { describe, expect, test } from 'vitest'
import { HookdError } from '../../../src/errors.ts'
import { refuseErrors } from '../../../src/postgres/finding.ts'
import { judgeRole, judgeServer } from '../../../src/postgres/judge-server.ts'
import type { SchemaState } from '../../../src/postgres/schema-state.ts'
import type { RoleFacts, ServerFacts } from '../../../src/postgres/server.ts'

const APP: RoleFacts = { name: 'app', superuser: false, replication: true, createInDatabase: true }

function facts(change: Partial<ServerFacts> = {}): ServerFacts {
  return {
    version: 180_004,
    versionText: '18.4',
    walLevel: 'logical',
    inRecovery: false,
    encoding: 'UTF8',
    systemId: '7',
    timeline: 1,
    slots: { used: 1, max: 10 },
    walSenders: { used: 1, max: 10 },
    maxSlotWalKeepSize: '10GB',
    role: APP,
    ...change,
  }
}

const NEEDS = { slot: 'hookd', slotIs: null, database: 'shop', failoverSlot: false }
const INSTALLED: SchemaState = { exists: true, owned: true, owner: 'app', pending: [], missing: [], blind: false }
const NONE: SchemaState = {
  exists: false,
  owned: false,
  owner: null,
  pending: ['0001_a.sql'],
  missing: [],
  blind: false,
}

describe('a server that lacks nothing', () => {
  test('is all ok', () => {
    const findings = [...judgeServer(facts(), NEEDS), ...judgeRole(facts(), INSTALLED, NEEDS)]
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
    expect(() => refuseErrors(findings)).not.toThrow()
  })
})

test.each<
  [what: string, change: Partial<ServerFacts>, needs: Partial<typeof NEEDS> | object, message: RegExp, fix: RegExp]
>([
  [
    'wal_level replica',
    { walLevel: 'replica' },
    {},
    /^wal_level is "replica"/,
    /^ALTER SYSTEM SET wal_level = logical;/,
  ],
  ['a standby', { inRecovery: true }, {}, /standby/, /primary/],
  [
    'no free slot',
    { slots: { used: 10, max: 10 } },
    {},
    /^no replication slot is free for "hookd": 10 of max_replication_slots = 10/,
    /max_replication_slots = 11/,
  ],
  [
    'a slot for standbys on a server without them',
    { version: 160_010, versionText: '16.10' },
    { failoverSlot: true },
    /^standbys keep a copy of a slot since PostgreSQL 17, and this is 16\.10/,
    /^Run without --failover-slot, or upgrade/,
  ],
  ['no free sender', { walSenders: { used: 2, max: 2 } }, {}, /max_wal_senders = 2 are in use/, /max_wal_senders = 4/],
])('%s is an error with its remedy', (_, change, needs, message, fix) => {
  const errors = judgeServer(facts(change), { ...NEEDS, ...needs }).filter(({ level }) => level === 'error')
  expect(errors).toHaveLength(1)
  expect(errors[0]?.message).toMatch(message)
  expect(errors[0]?.fix).toMatch(fix)
})

test.each<[what: string, change: Partial<ServerFacts>, needs: object, message: RegExp]>([
  ['an old minor release', { version: 150_013, versionText: '15.13' }, {}, /15\.13 has bugs/],
  ['no limit to the WAL', { maxSlotWalKeepSize: '-1' }, {}, /max_slot_wal_keep_size is not set/],
  [
    'senders used up beside an active slot',
    { walSenders: { used: 2, max: 2 } },
    { slotIs: { active: true } },
    /WAL sender/,
  ],
])('%s is a warning', (_, change, needs, message) => {
  const found = judgeServer(facts(change), { ...NEEDS, ...needs }).filter(({ level }) => level !== 'ok')
  expect(found).toMatchObject([{ level: 'warning', message: expect.stringMatching(message) }])
})

test('a slot that exists needs no free one', () => {
  const full = facts({ slots: { used: 10, max: 10 } })
  expect(judgeServer(full, { ...NEEDS, slotIs: { active: false } }).every(({ level }) => level === 'ok')).toBe(true)
})

test('from PostgreSQL 19 on wal_level replica is enough', () => {
  const found = judgeServer(facts({ version: 190_000, walLevel: 'replica' }), NEEDS)
  expect(found.every(({ level }) => level === 'ok')).toBe(true)
})

test.each<[what: string, role: Partial<RoleFacts>, schema: SchemaState, fix: string]>([
  [
    'REPLICATION',
    { replication: false },
    INSTALLED,
    'ALTER ROLE "app" REPLICATION; (on Amazon RDS: GRANT rds_replication TO "app";)',
  ],
  ['CREATE', { createInDatabase: false }, NONE, 'GRANT CREATE ON DATABASE "shop" TO "app";'],
  [
    'the schema itself',
    {},
    { ...INSTALLED, owned: false, owner: 'dba', pending: ['0009_b.sql'] },
    'hookd migrate, as dba',
  ],
  [
    'grants',
    {},
    { ...INSTALLED, missing: [{ privileges: 'SELECT, INSERT', object: 'hookd.deliveries' }] },
    'GRANT SELECT, INSERT ON hookd.deliveries TO "app";',
  ],
  ['a policy', {}, { ...INSTALLED, blind: true }, 'GRANT hookd_daemon TO "app"; (after sql/roles.sql)'],
])('a role without %s is told the statement', (_, role, schema, fix) => {
  const errors = judgeRole(facts({ role: { ...APP, ...role } }), schema, NEEDS).filter(({ level }) => level === 'error')
  expect(errors.map((finding) => finding.fix)).toEqual([fix])
})

test('a schema that is still to be installed is no error where the role may do it', () => {
  expect(judgeRole(facts(), NONE, NEEDS).map(({ level }) => level)).toEqual(['ok', 'ok'])
})

test('all errors come at once, under the code of the first', () => {
  const poor = facts({ walLevel: 'minimal', role: { ...APP, replication: false } })
  const refuse = () => refuseErrors([...judgeServer(poor, NEEDS), ...judgeRole(poor, INSTALLED, NEEDS)])
  expect(refuse).toThrow(HookdError)
  expect(refuse).toThrow(/wal_level is "minimal".*\n {2}ALTER SYSTEM.*\nrole "app" may not.*\n {2}ALTER ROLE "app"/)
})
