import { beforeAll, describe, expect, test } from 'vitest'
import type { Hookd } from '../support/hookd.ts'
import { createMailroom } from '../support/mailroom.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage, type Stage, stop } from '../support/stage.ts'
import { signatureFaults } from '../support/verified.ts'
import { waitFor } from '../support/wait.ts'

const SQL = `
  create table item (id int primary key, name text, state text);
  alter table item replica identity full;
  create table late (id int primary key)`

const YAML = `events:
  item.created: { table: public.item, on: insert }
  item.changed: { table: public.item, on: update }
  item.owned: { table: public.item, on: insert, owner: state }
delivery: { retry: { schedule: [50ms] } }
`

describe.each(SERVER_KINDS)('subscriptions, %s', (kind) => {
  let stage: Stage
  let hookd: Hookd
  let lastId = 0
  const query = (sql: string, params?: unknown[]) => stage.database.query(sql, params)
  const open = createMailroom(() => stage)
  const insert = async (name: string | null, state: string | null = null) => {
    await query('insert into item values ($1, $2, $3)', [++lastId, name, state])
    return lastId
  }
  const names = (box: { bodies(): { data: { name: string | null } }[] }) => box.bodies().map(({ data }) => data.name)

  beforeAll(async () => {
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    await stop(await stage.start()) // from now on the slot keeps what is committed
  })

  describe('what changes while hookd is down takes effect where it stands in the stream', () => {
    test('a subscriber receives nothing from before its own insert', async () => {
      const first = await stage.start()
      const old = await open({ event: 'item.created', ordering: 'subscriber' })
      await stage.settled()
      await stop(first)
      await insert('A')
      const box = await open({ event: 'item.created' })
      await insert('B')
      await stage.start()
      await stage.settled()
      expect([names(old), names(box)]).toEqual([['A', 'B'], ['B']])
    })

    test('a subscriber that is deleted receives at most what was committed until then', async () => {
      const box = stage.open()
      const id = await stage.subscribe(box.url, { event: 'item.created' })
      await insert('A')
      await query('delete from hookd.subscribers where id = $1', [id])
      await insert('B')
      await stage.start()
      await stage.settled()
      const states = (await stage.deliveries(id)).map(({ state }) => state)
      expect([...names(box), ...states].toSorted()).toSatisfy(
        (found: string[]) => found.join() === 'A' || found.join() === 'cancelled' || found.join() === 'A,cancelled',
      )
    })

    test('a new URL, owner, event and filter apply to what commits after them', async () => {
      const elsewhere = stage.open()
      const boxes = {
        url: await open({ event: 'item.created' }),
        owner: await open({ event: 'item.owned', owner: 'x' }),
        event: await open({ event: 'item.created', ordering: 'subscriber' }),
        filter: await open({ event: 'item.created', filter: { name: 'A' } }),
      }
      await insert('A', 'x')
      await boxes.url.change(`url = '${elsewhere.url}'`)
      await boxes.owner.change(`owner = 'y'`)
      await boxes.event.change(`event = 'item.changed'`)
      await boxes.filter.change(`filter = '{"name": "B"}'`)
      await insert('B', 'x')
      await insert('C', 'y')
      await query(`update item set name = 'D' where id = $1`, [lastId])
      await stage.start()
      await stage.settled()
      expect({
        owner: names(boxes.owner).toSorted(),
        event: names(boxes.event),
        filter: names(boxes.filter).toSorted(),
        url: [...names(boxes.url), ...names(elsewhere)].toSorted(),
        elsewhere: names(elsewhere)
          .filter((name) => name !== 'A')
          .toSorted(),
      }).toEqual({
        owner: ['A', 'C'],
        event: ['A', 'D'],
        filter: ['A', 'B'],
        url: ['A', 'B', 'C'],
        elsewhere: ['B', 'C'],
      })
    })
  })

  describe('while hookd runs', () => {
    beforeAll(async () => {
      hookd = await stage.start()
    })

    test('a change takes effect where it stands in the stream as well', async () => {
      const box = await open({ event: 'item.created', filter: { name: 'A' }, ordering: 'subscriber' })
      await insert('A')
      await box.change(`filter = '{"name": "B"}'`)
      await insert('B')
      await insert('A')
      await stage.settled()
      expect(names(box)).toEqual(['A', 'B'])
    })

    test('a filter decides for each subscriber', async () => {
      const rows = ['Joe', 'Simon', 'George Constanza', 'constanza', null]
      const cases = [
        { filter: { name: 'Joe' }, expected: ['Joe'] },
        { filter: {}, expected: rows },
        { filter: null, expected: rows },
        { filter: { name: { regex: 'Constanza' } }, expected: ['George Constanza'] },
        { filter: { name: { regex: '^G.*a$' } }, expected: ['George Constanza'] },
        { filter: { not: { name: { in: ['Joe', 'Simon'] } } }, expected: ['George Constanza', 'constanza', null] },
        { filter: { name: { regex: '(a+)+$' } }, expected: ['George Constanza', 'constanza'] },
        { filter: { name: null }, expected: [null] },
      ]
      const boxes = await Promise.all(
        cases.map(({ filter }) => open({ event: 'item.created', filter, ordering: 'subscriber' })),
      )
      for (const name of rows) await insert(name)
      await insert(`${'a'.repeat(5000)}!`)
      await stage.settled()
      const got = boxes.map((box, at) => ({
        filter: cases[at]!.filter,
        expected: names(box).filter((name) => !name?.endsWith('!')),
      }))
      expect(got).toEqual(cases)
    })

    test('a filter that is no condition is refused with a sentence', async () => {
      await expect(open({ filter: { name: { regex: '(' } } })).rejects.toThrow(
        'invalid filter: "name": invalid regular expression',
      )
      await expect(open({ filter: { name: { regx: 'x' } } })).rejects.toThrow(/regx/)
    })

    test('a filter on a column that a table lacks is recorded for that event, and the others go out', async () => {
      const box = await open({ event: 'item.*', filter: { nme: 'Joe' } })
      const other = await open({ event: 'item.created' })
      await insert('Joe')
      expect(await stage.errors('item.created')).toMatchObject([
        { kind: 'filter', message: expect.stringContaining('nme') },
      ])
      expect([names(box), names(other)]).toEqual([[], ['Joe']])
    })

    test('a row that arrives broken is put aside with the reason, the others run on, and mending it resumes', async () => {
      const [broken, healthy] = [await open({ event: 'item.created' }), await open({ event: 'item.created' })]
      const client = await stage.database.client()
      await client.query('begin; alter table hookd.subscribers disable trigger user')
      await client.query(`update hookd.subscribers set headers = '{"Host": "evil"}' where id = '${broken.id}'`)
      await client.query('alter table hookd.subscribers enable trigger user; commit')
      await insert('A')
      await stage.settled()
      expect([names(broken), names(healthy)]).toEqual([[], ['A']])
      const row = await waitFor(async () => (await broken.row()).disabled_at && (await broken.row()), {
        what: 'the broken row to be disabled',
      })
      expect(row.disabled_reason).toMatch(/^invalid row: .*Host/)
      expect(await broken.deliveries()).toMatchObject([{ state: 'pending' }])

      await broken.change(`headers = '{}', disabled_at = null, disabled_reason = null`)
      await broken.waitFor(1)
      expect(names(broken)).toEqual(['A'])
    })

    test('through a rotation both secrets sign until the overlap has passed', async () => {
      const box = await open({ event: 'item.created', ordering: 'subscriber' })
      const [{ rotate_secret: fresh }] = await query('select hookd.rotate_secret($1)', [box.id])
      await insert('both')
      await query(`update hookd.subscribers set hmac_secret_old_until = now() - interval '1 second' where id = $1`, [
        box.id,
      ])
      await insert('new')
      await stage.settled()
      const [both, after] = box.requests
      expect(signatureFaults(both!, box.secret)).toEqual(['Hook-HMAC']) // one value, with the new secret
      expect([both!, after!].flatMap((request) => signatureFaults(request, fresh))).toEqual([])
      expect(signatureFaults(after!, box.secret)).toHaveLength(3)
    })

    describe('SIGHUP', () => {
      /** Sends it and gives the line that says what came of it. */
      const reload = async () => {
        const before = hookd.stderr().length
        hookd.kill('SIGHUP')
        return waitFor(
          () => /.*(?:loaded the new|kept the old) configuration.*/.exec(hookd.stderr().slice(before))?.[0],
          {
            what: 'hookd to say what came of the reload',
          },
        )
      }

      test('a broken file leaves the old one in force, and the error has file, line and column', async () => {
        const box = await open({ event: 'item.created' })
        await stage.write(`${YAML}  item.broken: { tabel: public.item }\n`.replace(/delivery:.*\n/, ''))
        const said = await reload()
        expect(said).toContain('kept the old configuration')
        expect(said).toMatch(/hookd\.yaml:6:18 /)
        expect(said).toContain('tabel')
        await insert('A')
        await stage.settled()
        expect(names(box)).toEqual(['A'])
      })

      test('a good file adds a table, changes an event and removes another, from the next change on', async () => {
        await insert('before')
        await stage.settled()
        await stage.write(`events:
  item.created: { table: public.item, on: insert, data: [name] }
  late.created: { table: public.late, on: insert }
  late.called: { manual: true }
`)
        expect(await reload()).toContain('loaded the new configuration')
        await expect(open({ event: 'item.changed' })).rejects.toThrow(/item\.changed/)
        const [item, late] = [
          await open({ event: 'item.created' }),
          await open({ event: 'late.*', ordering: 'subscriber' }),
        ]
        await insert('after')
        await query('update item set name = name')
        await query('insert into late values (1)')
        await query(`select hookd.emit('late.called')`)
        await stage.settled()
        expect(item.bodies().map(({ data }) => data)).toEqual([{ name: 'after' }])
        expect(late.events()).toEqual(['late.created', 'late.called'])
      })

      test('a file whose tables cannot be published leaves everything as it was', async () => {
        await stage.write(`events:
  item.created: { table: public.item, on: insert, data: [id] }
  none.created: { table: public.none, on: insert }
`)
        await query('drop table if exists none; create table none (line text)')
        const box = await open({ event: 'item.created' })
        const said = await reload()
        await insert('A')
        await stage.settled()
        const [event] = await query(`select from hookd.events where name = 'none.created'`)
        const isKept = { said: said.includes('kept the old'), sent: 'name' in box.bodies()[0].data, event: !event }
        const all = (value: boolean) => ({ said: value, sent: value, event: value })
        expect(isKept).toEqual(all(kind === 'pg18')) // wal2json has no publication that could make updates fail
      })

      test('what stands under "delivery" applies as well', async () => {
        const yaml = (delivery: string) =>
          `events:\n  item.created: { table: public.item, on: insert }\ndelivery: ${delivery}\n`
        await stage.write(yaml('{ delivery_log: all, retry: false, max_payload: 1KiB }'))
        expect(await reload()).toContain('loaded the new configuration')
        const [good, bad] = [await open({ event: 'item.created' }), await open({ event: 'item.created' }, 500)]
        await insert('x')
        await insert('y'.repeat(1000))
        await stage.settled()
        const states = async (box: typeof good) =>
          (await box.deliveries()).map(({ state, attempts }) => [state, attempts])
        expect(await states(good)).toEqual([
          ['delivered', 1],
          ['dead', 0],
        ])
        expect(await states(bad)).toEqual([
          ['dead', 1],
          ['dead', 0],
        ])
      })
    })
  })
})
