import { expect, test } from 'vitest'
import { sampleConfig } from '../../../src/config/init.ts'
import { parseConfig } from '../../../src/config/load.ts'
import type { Catalog } from '../../../src/postgres/catalog.ts'
import { CATALOG, aCatalog, aColumn, aTable } from './catalog.ts'

function eventsOf(text: string, catalog: Catalog): string[] {
  const { config, problems } = parseConfig(text, 'hookd.yaml', { catalog })
  expect(problems).toEqual([])
  return config?.events.map(({ declaredName, table }) => `${declaredName} <- ${table}`) ?? []
}

/** As somebody does who takes every example: `# ` goes, explanations stay. */
function withExamples(text: string): string {
  return text.replace(/^( *)# /gm, '$1')
}

test('the first file has an event for every operation on every table that can be read', () => {
  expect(eventsOf(sampleConfig(CATALOG), CATALOG)).toEqual([
    'order__items_.created <- odd.schema.order "items"',
    'order__items_.changed <- odd.schema.order "items"',
    'order__items_.removed <- odd.schema.order "items"',
    'article.created <- public.article',
    'article.changed <- public.article',
    'article.removed <- public.article',
    'keyless.created <- public.keyless',
    'metric.created <- public.metric',
    'metric.changed <- public.metric',
    'metric.removed <- public.metric',
    'note.created <- public.note',
    'note.changed <- public.note',
    'note.removed <- public.note',
    'silent.created <- public.silent',
    'order.created <- shop.order',
    'order.changed <- shop.order',
    'order.removed <- shop.order',
  ])
})

test('it says why updates and deletes of a table are left out, and the statement that brings them in', () => {
  expect(sampleConfig(CATALOG)).toContain(`  keyless.created: { table: public.keyless, on: insert }
  ## Postgres does not send its updates and deletes, because "public.keyless" has no primary key: ALTER TABLE public.keyless REPLICA IDENTITY FULL;
  # keyless.changed: { table: public.keyless, on: update }
`)
})

test.each([
  ['a text to watch', ['id integer', 'state text', 'author_id integer']],
  ['no text', ['id integer', 'total numeric']],
  ['odd names', ['ID integer', 'on text', 'a b text', '1st integer', 'null text', 'quo"te text']],
  ['a generated column', ['slug text generated', 'id integer', 'status text']],
])('its examples hold too, on a table with %s', (_, columns) => {
  const catalog = aCatalog([
    aTable('public', 'article', {
      identity: 'full',
      columns: columns.map(aColumn),
      key: [columns[0]?.split(' ')[0] ?? ''],
    }),
  ])
  const events = eventsOf(withExamples(sampleConfig(catalog)), catalog)
  expect(events.slice(3)).toEqual(['article.published <- public.article', 'article.announced <- public.article'])
})

test('tables of the same name get the schema into the names of their events', () => {
  const catalog = aCatalog([
    aTable('public', 'order'),
    aTable('shop', 'order'),
    aTable('shop', 'a.b'),
    aTable('x', 'a_b'),
  ])
  const names = eventsOf(sampleConfig(catalog), catalog).filter((line) => line.includes('created'))
  expect(names).toEqual([
    'order.created <- public.order',
    'a_b.created <- shop.a.b',
    'shop.order.created <- shop.order',
    'a_b_2.created <- x.a_b',
  ])
})

test('an empty database gets an event that is sent from SQL', () => {
  expect(eventsOf(sampleConfig(aCatalog([])), aCatalog([]))).toEqual(['app.started <- null'])
})
