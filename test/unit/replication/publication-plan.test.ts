import { describe, expect, test } from 'vitest'
import { planPublication, type Publication } from '../../../src/replication/publication.ts'
import { findLack } from '../../../src/replication/watch-publication.ts'

const article = { schema: 'public', table: 'article' }
const order = { schema: 'shop', table: 'Order' }
const subscribers = { schema: 'hookd', table: 'subscribers' }

function published(...tables: { schema: string; table: string }[]): Publication {
  const whole = tables.map(({ schema, table }) => ({ schema, table, isWhole: true }))
  return { allTables: false, isComplete: true, tables: whole }
}

function plan(current: Publication | null, serverVersion = 150_000): string[] {
  return planPublication('hookd', [article, order, subscribers], { current, serverVersion }).map(({ sql }) => sql)
}

describe('the plan for a publication', () => {
  test('creates it and adds every table where there is none', () => {
    expect(plan(null)).toEqual([
      `CREATE PUBLICATION "hookd" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = false)`,
      'ALTER PUBLICATION "hookd" ADD TABLE ONLY "public"."article"',
      'ALTER PUBLICATION "hookd" ADD TABLE ONLY "shop"."Order"',
      'ALTER PUBLICATION "hookd" ADD TABLE ONLY "hookd"."subscribers"',
    ])
  })

  test('publishes generated columns where the server can, so that it does not refuse updates of their tables', () => {
    expect(plan(null, 180_000)[0]).toContain('publish_generated_columns = stored')
  })

  test('is empty where nothing differs, in whatever order', () => {
    expect(plan(published(subscribers, order, article))).toEqual([])
  })

  test('touches only what differs', () => {
    expect(plan(published(article, subscribers, { schema: 'public', table: 'old' }))).toEqual([
      'ALTER PUBLICATION "hookd" DROP TABLE ONLY "public"."old"',
      'ALTER PUBLICATION "hookd" ADD TABLE ONLY "shop"."Order"',
    ])
  })

  test('sets the operations right', () => {
    expect(plan({ ...published(article, order, subscribers), isComplete: false })).toEqual([
      `ALTER PUBLICATION "hookd" SET (publish = 'insert, update, delete, truncate', publish_via_partition_root = false)`,
    ])
  })

  test('replaces a table that is published with a row filter or a column list', () => {
    const filtered = {
      ...published(order, subscribers),
      tables: [{ ...article, isWhole: false }, ...published(order, subscribers).tables],
    }
    expect(plan(filtered)).toEqual([
      'ALTER PUBLICATION "hookd" DROP TABLE ONLY "public"."article"',
      'ALTER PUBLICATION "hookd" ADD TABLE ONLY "public"."article"',
    ])
  })

  test('leaves a publication of all tables alone', () => {
    expect(plan({ allTables: true, isComplete: true, tables: [] })).toEqual([])
  })

  test('quotes the names', () => {
    const [step] = planPublication(`it's "x"`, [{ schema: `a"b`, table: `c'd` }], {
      current: published(),
      serverVersion: 150_000,
    })
    expect(step?.sql).toBe(`ALTER PUBLICATION "it's ""x""" ADD TABLE ONLY "a""b"."c'd"`)
  })
})

describe('what a publication lacks', () => {
  test.each([
    ['nothing', published(article, order), null],
    ['nothing if it has all tables', { allTables: true, isComplete: true, tables: [] }, null],
    ['itself', null, { kind: 'publication' }],
    ['an operation', { ...published(article, order), isComplete: false }, { kind: 'operations' }],
    ['a table', published(article), { kind: 'tables', tables: [order] }],
    [
      'rows or columns of a table',
      {
        ...published(),
        tables: [
          { ...article, isWhole: true },
          { ...order, isWhole: false },
        ],
      },
      { kind: 'tables', tables: [order] },
    ],
  ] as const)('%s', (_what, current, lack) => {
    expect(findLack([article, order], current)).toEqual(lack)
  })
})
