import { describe, expect, test } from 'vitest'
import { parseTimelineHistory } from '../../../src/replication/server-position.ts'
import type { SlotState } from '../../../src/replication/slot.ts'
import {
  decideStart,
  undoneBy,
  type ServerPosition,
  type StartQuestion,
  type StoredPosition,
} from '../../../src/replication/start-position.ts'

const server: ServerPosition = {
  systemId: '7',
  database: 'app',
  isStandby: false,
  timeline: 1,
  walEnd: 0x900n,
  history: [],
}

const slot: SlotState = {
  name: 'hookd',
  plugin: 'wal2json',
  database: 'app',
  activePid: null,
  confirmedFlush: 0x300n,
  restart: 0x200n,
  walStatus: 'reserved',
  safeWalBytes: null,
  invalidationReason: null,
  failover: false,
}

const stored: StoredPosition = { systemId: '7', timeline: 1, lsn: 0x300n, confirmLimit: 0x400n }

function decide(change: Partial<StartQuestion>) {
  return decideStart({ slotName: 'hookd', plugin: 'auto', server, slot, stored, ...change })
}

describe('it starts', () => {
  const starts: [name: string, change: Partial<StartQuestion>, lsn: bigint][] = [
    ['where both positions agree', {}, 0x300n],
    ['at our position after a crash took the slot back', { slot: { ...slot, confirmedFlush: 0x100n } }, 0x300n],
    [
      'at the position of the slot where it only moved as far as we may have confirmed',
      { slot: { ...slot, confirmedFlush: 0x400n } },
      0x400n,
    ],
    ['at the position of a slot that was made for us in advance', { stored: null }, 0x300n],
    [
      'at our position exactly at the end of the WAL',
      { stored: { ...stored, lsn: 0x900n, confirmLimit: 0x900n } },
      0x900n,
    ],
    [
      'at our position after a failover that lost nothing of it',
      { server: { ...server, timeline: 2, history: [{ timeline: 1, end: 0x300n }] } },
      0x300n,
    ],
  ]
  test.each(starts)('%s', (_name, change, lsn) => {
    expect(decide(change)).toEqual({ kind: 'start', plugin: 'wal2json', lsn })
  })

  test('at the position of the slot after a failover that lost part of what was read', () => {
    const change = {
      server: { ...server, timeline: 3, history: parseTimelineHistory('1\t0/280\tno recovery target\n2\t0/700\tx\n') },
      slot: { ...slot, confirmedFlush: 0x250n },
    }
    expect(decide(change)).toEqual({ kind: 'start', plugin: 'wal2json', lsn: 0x250n })
  })

  test('with the plugin that the slot has', () => {
    expect(decide({ slot: { ...slot, plugin: 'pgoutput' } })).toMatchObject({ kind: 'start', plugin: 'pgoutput' })
    expect(decide({ plugin: 'wal2json' })).toMatchObject({ kind: 'start', plugin: 'wal2json' })
  })
})

test('while another process creates the slot, it is waited for', () => {
  const unfinished = { ...slot, confirmedFlush: null, activePid: 4711 }
  const error = expect.objectContaining({ name: 'SlotActiveError', holderPid: 4711 })
  expect(() => decide({ slot: unfinished, stored: null })).toThrow(error)
  expect(() => decide({ slot: unfinished })).toThrow(error)
})

test('where neither a slot nor a position exists, one is to be created', () => {
  expect(decide({ slot: null, stored: null })).toEqual({ kind: 'create' })
})

describe('it refuses, and says what to do,', () => {
  const refusals: [
    name: string,
    change: Partial<StartQuestion>,
    code: string,
    says: RegExp,
    gap: { from: bigint; to: bigint } | null,
  ][] = [
    [
      'where the slot is missing although it was read before',
      { slot: null },
      'HOOKD_SLOT_MISSING',
      /last confirmed LSN is 0\/300.*ends at 0\/900.*hookd run --accept-gap.*failover = true/s,
      { from: 0x300n, to: 0x900n },
    ],
    [
      'where the cluster is another one',
      { server: { ...server, systemId: '8' } },
      'HOOKD_OTHER_SYSTEM',
      /system identifier 7, this one is 8.*DATABASE_URL/s,
      null,
    ],
    [
      'where the cluster is another one and has no slot',
      { server: { ...server, systemId: '8' }, slot: null },
      'HOOKD_OTHER_SYSTEM',
      /another cluster/,
      null,
    ],
    [
      'where somebody else moved the slot',
      { slot: { ...slot, confirmedFlush: 0x401n } },
      'HOOKD_SLOT_MOVED',
      /moved to 0\/401 by somebody else; hookd confirmed 0\/400 at most/,
      { from: 0x300n, to: 0x401n },
    ],
    [
      'where our position lies beyond the end of the WAL',
      { stored: { ...stored, lsn: 0x901n, confirmLimit: 0x901n } },
      'HOOKD_PROGRESS_AHEAD',
      /0\/901\) lies beyond the end of the WAL \(0\/900\)/,
      null,
    ],
    [
      'where the server is an older copy on another branch',
      { stored: { ...stored, timeline: 2 } },
      'HOOKD_OTHER_TIMELINE',
      /timeline 2, which timeline 1 of this server does not descend from/,
      null,
    ],
    [
      'where the slot has another of our plugins',
      { plugin: 'pgoutput' },
      'HOOKD_SLOT_PLUGIN',
      /uses the plugin wal2json\. Run with --plugin wal2json/,
      null,
    ],
    [
      'where the slot has a plugin that hookd does not read',
      { slot: { ...slot, plugin: 'test_decoding' } },
      'HOOKD_SLOT_PLUGIN',
      /uses the plugin test_decoding\. Choose another name with --slot/,
      null,
    ],
    [
      'where the slot is of another database',
      { slot: { ...slot, database: 'crm' } },
      'HOOKD_SLOT_FOREIGN',
      /belongs to database "crm"/,
      null,
    ],
    [
      'where the slot is physical',
      { slot: { ...slot, plugin: null, database: null } },
      'HOOKD_SLOT_FOREIGN',
      /belongs to physical replication/,
      null,
    ],
    [
      'where the WAL of the slot was removed',
      { slot: { ...slot, walStatus: 'lost' } },
      'HOOKD_SLOT_LOST',
      /changes between 0\/300 and 0\/900 are gone.*max_slot_wal_keep_size/s,
      { from: 0x300n, to: 0x900n },
    ],
    [
      'where the slot is invalid for another reason',
      { stored: null, slot: { ...slot, invalidationReason: 'idle_timeout' } },
      'HOOKD_SLOT_LOST',
      /idle_timeout/,
      { from: 0x300n, to: 0x900n },
    ],
  ]
  test.each(refusals)('%s', (_name, change, code, says, gap) => {
    const decision = decide(change)
    expect(decision).toMatchObject({ kind: 'refused', gap })
    if (decision.kind !== 'refused') return
    expect(decision.error.code).toBe(code)
    expect(decision.error.message).toMatch(says)
  })
})

test('the history of a timeline is read from the text of its file', () => {
  expect(parseTimelineHistory('1\t0/3000000\tno recovery target specified\n\n2\tA/B0\tbefore 2026-01-01\n')).toEqual([
    { timeline: 1, end: 0x3000000n },
    { timeline: 2, end: 0xa000000b0n },
  ])
  expect(parseTimelineHistory('')).toEqual([])
})

describe('a failover has undone', () => {
  const moved = { ...server, timeline: 3, history: parseTimelineHistory('1\t0/280\tx\n2\t0/700\tx\n') }
  test.each([
    ['what was read beyond the point where the server left that timeline', 1, 0x281n, { from: 0x280n, to: 0x281n }],
    ['nothing where reading had not got that far', 1, 0x280n, null],
    ['what was read on the timeline before', 2, 0x900n, { from: 0x700n, to: 0x900n }],
    ['nothing of the timeline that the server is on', 3, 0x900n, null],
  ])('%s', (_name, timeline, upto, range) => {
    expect(undoneBy(moved, timeline, upto)).toEqual(range)
  })
})
