import { describe, expect, test } from 'vitest'
import { readStored, startProgress, takeSlot } from '../../src/daemon/progress-store.ts'
import { createPool } from '../../src/postgres/connect.ts'
import { statement } from '../../src/postgres/statements.ts'
import type { ServerPosition } from '../../src/replication/start-position.ts'
import { atEnd } from '../support/at-end.ts'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS } from '../support/postgres.ts'

const before: ServerPosition = {
  systemId: '7',
  database: 'app',
  isStandby: false,
  timeline: 1,
  walEnd: 0x900n,
  history: [],
}
const OPEN = { s1: { from: null, ids: ['d1'] } }

/** A slot that was read on timeline 1 up to 0/300, and into the transaction that commits at 0/380. */
async function prepare() {
  const db = await createMigratedDatabase(SERVER_KINDS.at(-1)!)
  const pool = createPool(db.url)
  atEnd(() => pool.end())
  await startProgress(pool, pool, { slot: 'hookd', plugin: 'pgoutput', server: before, lsn: 0x100n })
  const { epoch } = await takeSlot(pool, { slot: 'hookd', server: before, startLsn: 0x100n })
  const record = ['hookd', epoch, '0/300', '0/380 0/310 0', JSON.stringify(OPEN)]
  await pool.query(statement('save_progress'), record)
  return pool
}

function leftAt(end: bigint): ServerPosition {
  return { ...before, timeline: 2, history: [{ timeline: 1, end }] }
}

describe('a slot that is taken after a failover', () => {
  test('goes on from its record where the server has everything that was read', async () => {
    const pool = await prepare()
    const taken = await takeSlot(pool, { slot: 'hookd', server: leftAt(0x381n), startLsn: 0x300n })
    expect(taken).toMatchObject({ timeline: 2, lsn: 0x300n, readUpto: '0/380 0/310 0', open: OPEN, undone: null })
  })

  test.each([
    ['what was settled', 0x280n],
    ['what was being read', 0x380n],
  ])('forgets its record where the server has lost a part of %s, for good', async (_what, end) => {
    const pool = await prepare()
    const start = { slot: 'hookd', server: leftAt(end), startLsn: 0x250n }
    const undone = { from: end, to: 0x381n }
    expect(await takeSlot(pool, start)).toMatchObject({ lsn: 0x250n, readUpto: null, open: {}, undone })
    expect(await readStored(pool, 'hookd')).toMatchObject({ timeline: 2, lsn: 0x250n, confirmLimit: 0x250n })
    expect(await takeSlot(pool, start)).toMatchObject({ lsn: 0x250n, readUpto: null, undone: null })
  })
})
