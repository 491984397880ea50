import { describe, expect, test } from 'vitest'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage } from '../support/stage.ts'

const SQL = 'create table note (id int primary key, body text, j json); alter table note replica identity full'

const YAML = `events:
  note.listed: { table: public.note, on: [insert, delete], data: [id] }
  note.written: { table: public.note, on: [insert, delete] }
`

/** Text of any bytes, as only a database without an encoding takes it. */
const bytes = (hex: string) => `convert_from('\\x${hex}', 'SQL_ASCII')`

describe.each(SERVER_KINDS)('text that is no Unicode, %s', (kind) => {
  test.each([
    ['SQL_ASCII', { 1: `'plain'`, 2: bytes('61ff62'), 3: bytes('c3a9'), 4: bytes('eda080') }, [2, 4]],
    ['UTF8', { 1: `'plain'`, 2: `U&'\\2028\\2029\\FFFD'`, 3: `'é'`, 4: `E'\\x01\\x7f'` }, []],
  ])(
    'of a %s database is a dead letter of the event that needs it, everything else arrives',
    async (name, texts, bad) => {
      const stage = await openStage(await createDatabase(kind, name), { sql: SQL, yaml: YAML })
      await stage.start({ args: name === 'UTF8' ? [] : ['--plugin', 'pgoutput'] })
      const endpoint = stage.open()
      const id = await stage.subscribe(endpoint.url, { event: 'note.*', ordering: 'subscriber' })
      for (const [key, sql] of Object.entries(texts)) {
        await stage.database.query(`insert into note (id, body) values (${key}, ${sql})`)
      }
      await stage.database.query(String.raw`insert into note values (9, 'x', '{"a": "\ud800", "b": "\u00e9"}')`)
      await stage.database.query('delete from note')
      await stage.settled()

      const keys = [...Object.keys(texts).map(Number), 9]
      const listed = endpoint.bodies().filter(({ event }) => event === 'note.listed')
      expect(listed.map(({ data }) => data.id)).toEqual([...keys, ...keys])
      const written = endpoint.bodies().filter(({ event }) => event === 'note.written')
      const good = keys.filter((key) => key !== 9 && !bad.includes(key as never))
      expect(written.map(({ data }) => data.id)).toEqual([...good, ...good])
      expect(written.find(({ data }) => data.id === 3).data.body).toBe('é')
      const reasons = [...bad.map((key) => [key, 'body']), [9, 'j']]
      expect((await stage.deliveries(id)).map(({ state, last_error }) => [state, last_error])).toEqual(
        [...reasons, ...reasons].map(([key, column]) => [
          'dead',
          expect.stringMatching(
            new RegExp(
              `^unreadable_value: column "${column}" of public\\.note (is not valid UTF-8|holds half of a surrogate pair.*); row {"id":${key}} `,
            ),
          ),
        ]),
      )
    },
  )

  test('a database of another encoding is refused before anything is written to it', async () => {
    const stage = await openStage(await createDatabase(kind, 'LATIN1'), { sql: SQL, yaml: YAML })
    const hookd = await stage.start({ args: ['--plugin', 'pgoutput'], ready: false })
    expect((await hookd.exit).code).toBe(1)
    expect(hookd.stderr()).toMatch(/the encoding of the database is LATIN1, .*ENCODING 'UTF8'/s)
    expect(await stage.database.query(`select from pg_namespace where nspname = 'hookd'`)).toEqual([])
  })
})
