import { describe, expect, test } from 'vitest'
import { createSlot } from '../../src/replication/create-slot.ts'
import { dropSlot, readSlot, switchFailoverOn } from '../../src/replication/slot.ts'
import { createTestSlot, openStream } from '../support/open-stream.ts'
import { createDatabase, SERVER_KINDS, startServer } from '../support/postgres.ts'

const nothing = async () => {}

describe.each(SERVER_KINDS)('on %s', (kind) => {
  test('what the snapshot sees is not in the stream, and what it does not see is', async () => {
    const db = await createDatabase(kind)
    await db.query('create table item (id int primary key, body text)')
    await db.query('create publication hookd_test for all tables')
    await db.query(`insert into item values (1, 'before')`)
    const wanted = { databaseUrl: db.url, slot: `slot_${db.name}`, plugin: db.plugin }
    const { seen, consistentPoint } = await createSlot(wanted, async (client, consistentPoint) => {
      await db.query(`insert into item values (2, 'after')`)
      const { rows } = await client.query('select body from item order by id')
      return { seen: rows, consistentPoint }
    })
    expect(seen).toEqual([{ body: 'before' }])
    expect((await readSlot(await db.client(), wanted.slot))?.confirmedFlush).toBe(consistentPoint)
    const open = openStream(db, wanted.slot)
    await open.saw('after')
    expect(open.messages.some(({ text }) => text.includes('before'))).toBe(false)
  })

  test('a slot whose snapshot could not be used is dropped again', async () => {
    const db = await createDatabase(kind)
    const wanted = { databaseUrl: db.url, slot: `slot_${db.name}`, plugin: db.plugin }
    const use = () => Promise.reject(new Error('no such table'))
    await expect(createSlot(wanted, use)).rejects.toThrow('no such table')
    expect(await readSlot(await db.client(), wanted.slot)).toBeNull()
  })

  test('a creation that open transactions block ends with their process ids and leaves no slot behind', async () => {
    const db = await createDatabase(kind)
    const blocker = await db.client()
    await blocker.query(`begin`)
    const { rows } = await blocker.query('select pg_current_xact_id(), pg_backend_pid() as pid')
    const wanted = { databaseUrl: db.url, slot: `slot_${db.name}`, plugin: db.plugin, timeoutMs: 300 }
    await expect(createSlot(wanted, nothing)).rejects.toMatchObject({
      code: 'HOOKD_SLOT_BLOCKED',
      message: expect.stringMatching(new RegExp(`pid ${rows[0].pid} \\(postgres, idle in transaction\\)`)),
    })
    expect(await readSlot(await db.client(), wanted.slot)).toBeNull()
  })

  test('a slot that exists is not created twice', async () => {
    const db = await createDatabase(kind)
    const wanted = { databaseUrl: db.url, slot: `slot_${db.name}`, plugin: db.plugin }
    await createSlot(wanted, nothing)
    await expect(createSlot(wanted, nothing)).rejects.toMatchObject({ name: 'SlotActiveError' })
    expect(await readSlot(await db.client(), wanted.slot)).toMatchObject({ plugin: db.plugin, activePid: null })
  })

  test('a server without a free slot is an error that names the setting', async () => {
    const server = await startServer(kind, { settings: { max_replication_slots: '1' } })
    const db = await server.createDatabase()
    await createSlot({ databaseUrl: db.url, slot: 'one', plugin: db.plugin }, nothing)
    await expect(createSlot({ databaseUrl: db.url, slot: 'two', plugin: db.plugin }, nothing)).rejects.toMatchObject({
      code: 'HOOKD_SLOT_LIMIT',
      message: expect.stringContaining('raise max_replication_slots'),
    })
  })

  test('a server that does not write logical WAL is an error that names the command', async () => {
    const server = await startServer(kind, { settings: { wal_level: 'replica' } })
    const db = await server.createDatabase()
    await expect(createSlot({ databaseUrl: db.url, slot: 'one', plugin: db.plugin }, nothing)).rejects.toMatchObject({
      code: 'HOOKD_WAL_LEVEL',
      message: expect.stringContaining('ALTER SYSTEM SET wal_level = logical;'),
    })
  })

  test('a slot is dropped, also from somebody who uses it if so told', async () => {
    const db = await createDatabase(kind)
    const slot = `slot_${db.name}`
    const client = await db.client()
    await createTestSlot(db, slot)
    const open = openStream(db, slot)
    await open.ticks(1)
    await expect(dropSlot(client, slot)).rejects.toMatchObject({ code: '55006' })
    expect(await dropSlot(client, slot, { terminate: true })).toBe(true)
    expect(await dropSlot(client, slot)).toBe(false)
    await expect(open.done).rejects.toThrow(/terminat|is gone|not held/)
  })
})

test.runIf(SERVER_KINDS.includes('pg18'))(
  'a plugin that the server lacks is an error that offers the other',
  async () => {
    const db = await createDatabase('pg18')
    const wanted = { databaseUrl: db.url, slot: `slot_${db.name}`, plugin: 'wal2json' } as const
    await expect(createSlot(wanted, nothing)).rejects.toMatchObject({
      code: 'HOOKD_PLUGIN_MISSING',
      message: expect.stringContaining('--plugin pgoutput'),
    })
  },
)

describe.runIf(SERVER_KINDS.includes('pg18'))('standbys', () => {
  test('may keep a copy of a slot that is created so, and of no other', async () => {
    const db = await createDatabase('pg18')
    const wanted = { databaseUrl: db.url, slot: `slot_${db.name}`, plugin: 'pgoutput' } as const
    await createSlot({ ...wanted, failover: true }, nothing)
    await createSlot({ ...wanted, slot: `other_${db.name}` }, nothing)
    const client = await db.client()
    expect(await readSlot(client, wanted.slot)).toMatchObject({ failover: true })
    expect(await readSlot(client, `other_${db.name}`)).toMatchObject({ failover: false })
  })

  test('may keep a copy of a slot for which that is switched on later, while nobody reads it', async () => {
    const db = await createDatabase('pg18')
    const slot = `slot_${db.name}`
    await createTestSlot(db, slot)
    const client = await db.client()
    const switchOn = async () => switchFailoverOn(db.url, (await readSlot(client, slot))!)
    const open = openStream(db, slot)
    await open.ticks(1)
    await expect(switchOn()).rejects.toMatchObject({ name: 'SlotActiveError' })
    await open.stop()
    await switchOn()
    expect(await readSlot(client, slot)).toMatchObject({ failover: true })
  })
})
