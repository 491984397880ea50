import { describe, expect, test } from 'vitest'
import type { Hookd } from '../support/hookd.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const SQL = `
  create table item (id int primary key);
  create table later (id int primary key);
  create table other (id int primary key)`

const ITEM = `events:
  item.created: { table: public.item, on: insert }
  other.created: { table: public.other, on: insert }
`
const BOTH = `${ITEM}  later.created: { table: public.later, on: insert }\n`

async function raise(kind: (typeof SERVER_KINDS)[number], args: string[] = []) {
  const stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: ITEM })
  const hookd = await stage.start({ args: ['--listen', '127.0.0.1:0', ...args] })
  const [, telemetry] = await hookd.waitForOutput(/"?telemetryUrl"?[=:]"?(http:[^\s"]+)/)
  const endpoint = stage.open()
  const id = await stage.subscribe(endpoint.url, { event: '*.created', ordering: 'subscriber' })
  return { stage, hookd, endpoint, id, readiness: () => fetch(`${telemetry}/readyz`) }
}

/** Inserts 1, 2, 3, … into a table, one transaction each, until told to stop; gives the last. */
function writeUntil(stage: Stage, table: string, isDone: () => boolean): Promise<number> {
  return (async () => {
    let id = 0
    while (!isDone()) await stage.database.query(`insert into ${table} values ($1)`, [++id])
    return id
  })()
}

async function reload(stage: Stage, hookd: Hookd, yaml: string): Promise<void> {
  await stage.write(yaml)
  const before = hookd.stderr().length
  hookd.kill('SIGHUP')
  await waitFor(() => hookd.stderr().slice(before).includes('loaded the new configuration'), { what: 'the reload' })
}

describe.each(SERVER_KINDS)('a table that comes with a reload, %s', (kind) => {
  test('under load: from its first event on nothing is missing, nor anything that committed after the reload', async () => {
    const { stage, hookd, endpoint } = await raise(kind)
    const open = await stage.database.client()
    await open.query('begin; insert into later values (-1)') // its writer has to be waited for
    const gate = await stage.database.client()
    await gate.query('begin; lock table hookd.events in exclusive mode') // the last step of a reload
    let isDone = false
    const writing = writeUntil(stage, 'later', () => isDone)
    const reloading = reload(stage, hookd, BOTH)
    if (kind === 'pg18') {
      const waiting = `select from pg_locks where mode = 'ShareRowExclusiveLock' and not granted and relation = 'later'::regclass`
      await waitFor(async () => (await stage.database.query(waiting)).length, { what: 'the lock to be waited for' })
    }
    await open.query('insert into later values (-2); commit')
    const written = async () => (await stage.database.query('select max(id) from later'))[0].max
    const atCommit = await written()
    await waitFor(async () => (await written()) > atCommit + 20)
    await gate.query('commit')
    await reloading
    const atReload = await written()
    await waitFor(async () => (await written()) > atReload + 20)
    isDone = true
    const last = await writing
    await stage.settled()
    const ids = endpoint.bodies().flatMap(({ data }) => (data.id > 0 ? [data.id] : []))
    const first = ids[0]!
    expect(ids).toEqual(Array.from({ length: last - first + 1 }, (_, at) => first + at))
    expect(first).toBeLessThanOrEqual(atReload + 1)
    // Postgres numbered the transaction that added the table while it kept all writers out; wal2json needs none.
    const [{ min }] = await stage.database.query(
      `select min(id) from later where id > 0 and xmin::text::bigint >
         (select xmin::text::bigint from pg_publication_rel where prrelid = 'later'::regclass)`,
    )
    expect(first).toBe(kind === 'pg18' ? min : first)
  })
})

describe.runIf(SERVER_KINDS.includes('pg18'))('a publication that is changed behind our back, pg18', () => {
  test(
    'is told of with what is missing since when, also where it was made anew at once, and a reload mends it',
    { timeout: 40_000 },
    async () => {
      const { stage, hookd, endpoint, readiness } = await raise('pg18')
      const { database, slot } = stage
      const red = (pattern: RegExp) =>
        waitFor(
          async () => {
            const answer = await readiness()
            const text = await answer.text()
            return answer.status === 503 && pattern.test(text)
          },
          { what: String(pattern) },
        )
      const green = () => waitFor(async () => (await readiness()).status === 200, { what: 'readiness' })
      await database.query('insert into item values (1)')

      await database.query(`drop publication ${slot}`)
      await red(/publication ".*" is gone; changes after [0-9A-F]+\/[0-9A-F]+ may be missing/)
      await database.query('insert into item values (2)')
      await reload(stage, hookd, ITEM)
      await green()
      expect(hookd.stderr()).toContain('the publication was gone')

      await database.query(
        `begin; drop publication ${slot};
       create publication ${slot} for table item, other, hookd.subscribers with (publish_generated_columns = stored);
       commit`,
      )
      await hookd.waitForOutput(/the publication was made anew.*may be missing/)

      await database.query('drop table item; create table item (id int primary key)')
      await red(/lacks public\.item/)
      await database.query('drop table item')
      await database.query('select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1', [
        slot,
      ])
      await hookd.waitForOutput(/reading the slot again/)
      await database.query('insert into other values (4)')
      await stage.settled()
      expect(endpoint.bodies().map(({ event, data }) => [event, data.id])).toEqual([
        ['item.created', 1],
        ['other.created', 4],
      ])
    },
  )
})

describe.runIf(SERVER_KINDS.includes('pg15'))('a publication that is gone, pg15 with pgoutput', () => {
  test('ends the daemon with the gap; what was settled before it is not sent again when the gap is accepted', async () => {
    const args = ['--plugin', 'pgoutput']
    const { stage, hookd, endpoint } = await raise('pg15', args)
    const { database, slot } = stage
    await database.query('insert into item values (1)')
    await stage.settled()
    await database.query(`drop publication ${slot}`)
    await database.query('insert into item values (2)')
    expect((await hookd.exit).code).toBe(1)
    expect(hookd.stderr()).toMatch(/publication ".*" does not exist.*Changes after [0-9A-F]+\/[0-9A-F]+ .*--accept-gap/)

    const accepted = await stage.start({ args: [...args, '--accept-gap'], ready: false })
    await accepted.waitForOutput(/created the replication slot/, 30_000) // which waits for transactions of all databases
    await database.query('insert into item values (3)')
    await stage.settled()
    expect(endpoint.bodies().map(({ data }) => data.id)).toEqual([1, 3])
  })
})
