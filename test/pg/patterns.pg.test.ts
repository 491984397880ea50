import { beforeAll, describe, expect, test } from 'vitest'
import { compilePattern } from '../../src/matching/pattern.ts'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { insertSubscriber, refusalOf } from '../support/subscribers.ts'

const SUBSCRIBERS = [
  { label: 'A', event: 'foo.*', owner: 'u1' },
  { label: 'B', event: 'foo.created', owner: 'u1' },
  { label: 'C', event: 'foo.created', owner: 'u1' },
  { label: 'D', event: 'foo.deleted', owner: 'u1' },
  { label: 'E', event: '*.created', owner: 'u1' },
  { label: 'F', event: 'bar.updated', owner: 'u1' },
  { label: 'G', event: 'baz.*', owner: 'u2' },
  { label: 'H', event: '*', owner: 'u1' },
]

describe.each(SERVER_KINDS)('event names and patterns on %s', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
    for (const columns of SUBSCRIBERS) await insertSubscriber(db, columns)
  })

  test.each([
    ['foo.created', null, 'ABCEH'],
    ['foo.updated', null, 'AH'],
    ['foo.deleted', null, 'ADH'],
    ['bar.updated', null, 'FH'],
    ['bar.deleted', null, 'H'],
    ['baz.moo', 'u1', 'H'],
    ['baz.moo', 'u2', 'G'],
    ['foo.created', 'u2', ''],
  ])('hookd.matching(%j, %j) gives the subscribers %s', async (event, owner, expected) => {
    const rows = await db.query('select label from hookd.matching($1, $2) order by label', [event, owner])
    expect(rows.map((row) => row.label).join('')).toBe(expected)
  })

  test('a subscriber without an owner receives the events of every owner', async () => {
    const { id } = await insertSubscriber(db, { event: 'open.*' })
    expect(await db.query(`select id from hookd.matching('open.door', 'u2')`)).toEqual([{ id }])
    expect(await db.query(`select label from hookd.matching(event => 'open.door') order by label`)).toEqual([
      { label: 'H' },
      { label: null },
    ])
  })

  test.each([
    ['*', 'a', true],
    ['*', 'a.b.c', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', true],
    ['a.*', 'ab.c', false],
    ['*.c', 'a.c', true],
    ['*.c', 'c', false],
    ['*.c', 'a.b.c', false],
    ['a.b.*', 'a.b.c.d', true],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a.b.b.c', false],
    ['a.*.*', 'a.b', false],
    ['a.*.*', 'a.b.c.d', true],
    ['a.b', 'a.b', true],
    ['a.b', 'A.b', false],
    ['a.b', 'axb', false],
    ['a+b.*', 'a+b.c', true],
    ['a+b.*', 'aab.c', false],
    ['a(b.*', 'a(b.c', true],
    ['é_1.*', 'é_1.c', true],
  ])('pattern %s covers %s: %s', async (pattern, event, expected) => {
    const [row] = await db.query('select hookd.event_matches($1, $2) as matches', [pattern, event])
    expect(row).toEqual({ matches: expected })
    expect(compilePattern(pattern).value?.matches(event)).toBe(expected)
  })

  test.each([
    ['created.festivus', true],
    ['created.*', true],
    ['created.a.b', true],
    ['*.festivus', true],
    ['created.*.x', true],
    ['*', true],
    ['created', false],
    ['*.a.b', false],
    ['removed.festivus', false],
    ['removed.*', false],
    ['item.red.sold', true],
    ['item.*.sold', true],
    ['item.*', true],
    ['*.x.sold', true],
    ['item.x.bought', false],
    ['*.big-red.sold', true],
  ])('pattern %s could cover a declared template: %s', async (pattern, expected) => {
    const [row] = await db.query(
      `select bool_or(hookd.event_reachable($1, declared)) as reachable
       from unnest(array['created.{new.occasion}', 'item.{colour}.sold']) as declared`,
      [pattern],
    )
    expect(row).toEqual({ reachable: expected })
  })
})

describe.each(SERVER_KINDS)('a subscriber on %s whose events are declared', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
    await db.query(
      `insert into hookd.events (name)
       values ('article.created'), ('article.changed'), ('article.removed'), ('order.large'), ('created.{new.occasion}')`,
    )
  })

  test.each(['article.created', 'article.*', '*.created', '*', 'created.festivus', 'order.*'])(
    'may ask for %s',
    async (event) => {
      await expect(insertSubscriber(db, { event })).resolves.toMatchObject({ event })
    },
  )

  test.each([
    ['typo.x', 'no event of that name is declared', ''],
    ['artcle.created', 'no event of that name is declared', '"article.created"'],
    ['order.larg', 'no event of that name is declared', '"order.large"'],
    ['artcle.*', 'the pattern matches none of the declared events', '"article.'],
    ['crated.*', 'the pattern matches none of the declared events', '"created.{new.occasion}", "article.created"'],
  ])('may not ask for %s', async (event, reason, nearest) => {
    const { code, message, hint, column } = await refusalOf(insertSubscriber(db, { event }))
    expect({ code, message, column }).toEqual({
      code: '23514',
      message: `invalid event "${event}": ${reason}`,
      column: 'event',
    })
    expect(hint).toMatch(/^Nearest: "[^"]+", "[^"]+", "[^"]+"\. The table hookd\.events lists them all\.$/)
    expect(hint).toContain(`Nearest: ${nearest}`)
  })

  test('keeps an event that was declared when it asked', async () => {
    await db.query(`insert into hookd.events (name) values ('short.lived')`)
    const { id } = await insertSubscriber(db, { event: 'short.lived' })
    await db.query(`delete from hookd.events where name = 'short.lived'`)
    await db.query(`update hookd.subscribers set url = 'https://example.com/new' where id = $1`, [id])
    expect((await refusalOf(insertSubscriber(db, { event: 'short.lived' }))).code).toBe('23514')
  })
})
