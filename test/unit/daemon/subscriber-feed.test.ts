import { describe, expect, test } from 'vitest'
import { SubscriberFeed } from '../../../src/daemon/subscriber-feed.ts'
import type { Change, Relation, RowImage } from '../../../src/replication/change.ts'
import { Directory } from '../../../src/subscriptions/directory.ts'
import type { SubscriberRow } from '../../../src/subscriptions/parse-subscriber.ts'

const COLUMNS = [
  'id',
  'event',
  'url',
  'content_type',
  'envelope',
  'hmac_secret',
  'hmac_digest',
  'ordering',
  'concurrency',
  'batch_size',
  'batch_wait',
  'active',
]
const relation: Relation = {
  name: 'hookd.subscribers',
  schema: 'hookd',
  table: 'subscribers',
  columns: COLUMNS.map((name) => ({ name, typeOid: 25 })),
  index: new Map(COLUMNS.map((name, at) => [name, at])),
  key: [0],
}

function aRow(columns: SubscriberRow = {}): SubscriberRow {
  return {
    id: 'a',
    event: '*',
    url: 'https://example.com/',
    content_type: 'application/json',
    envelope: 'hookd',
    hmac_secret: 'sixteen characters and more',
    hmac_digest: 'sha256',
    ordering: 'row',
    concurrency: '8',
    batch_size: '1',
    batch_wait: '00:00:00',
    active: 't',
    ...columns,
  }
}

function image(row: SubscriberRow): RowImage {
  return { relation, cells: COLUMNS.map((name) => row[name] ?? null) }
}

function aChange(old: SubscriberRow | null, now: SubscriberRow | null): Change {
  return {
    kind: 'row',
    op: old === null ? 'insert' : now === null ? 'delete' : 'update',
    transaction: { xid: 1, commitLsn: 1n, committedAt: '2026-01-01T00:00:00Z' },
    lsn: '0/1',
    ordinal: 0,
    relation,
    old: old && image(old),
    oldComplete: true,
    new: now && image(now),
  }
}

function aFeed() {
  const seen: string[] = []
  const directory = new Directory({
    compilePattern: () => () => true,
    compileFilter: () => ({ predicate: null, problem: null }),
  })
  const feed = new SubscriberFeed({
    directory,
    rules: {
      parseJson: JSON.parse,
      parseRetry: () => ({ scheduleMs: [] }),
      parseInterval: () => 0,
      eventProblem: () => null,
      urlProblem: () => null,
      headerProblem: () => null,
      secretProblem: () => null,
    },
    updated: ({ id, url }) => seen.push(`updated ${id} ${url}`),
    removed: (id) => seen.push(`removed ${id}`),
    quarantined: (id, problem) => seen.push(`quarantined ${id}: ${problem}`),
  })
  return { feed, directory, seen }
}

describe('the feed of subscribers', () => {
  test('a committed insert, update and delete take effect one after the other', () => {
    const { feed, directory, seen } = aFeed()
    feed.apply([aChange(null, aRow())], 10n)
    expect(directory.get('a')?.url).toBe('https://example.com/')
    feed.apply([aChange(aRow(), aRow({ url: 'https://example.com/new' }))], 20n)
    expect(directory.get('a')?.url).toBe('https://example.com/new')
    feed.apply([aChange(aRow(), null)], 30n)
    expect(directory.get('a')).toBeUndefined()
    expect(seen).toEqual(['updated a https://example.com/', 'updated a https://example.com/new', 'removed a'])
  })

  test('a new id is the end of one subscriber and the start of another', () => {
    const { feed, directory } = aFeed()
    feed.apply([aChange(null, aRow())], 10n)
    feed.apply([aChange(aRow(), aRow({ id: 'b' }))], 20n)
    expect(directory.ids()).toEqual(['b'])
  })

  test('what is to be saved is handed out when its transaction is settled, and only once', () => {
    const { feed } = aFeed()
    feed.apply([aChange(null, aRow()), aChange(null, aRow({ id: 'b' }))], 10n)
    feed.apply([aChange(aRow({ id: 'b' }), null)], 20n)
    expect(feed.take(9n)).toBeNull()
    const first = feed.take(10n)
    expect([...first!.saved.keys()]).toEqual(['a', 'b'])
    expect(first!.removed).toEqual([])
    expect(feed.take(20n)).toEqual({ saved: new Map(), removed: ['b'] })
    expect(feed.take(20n)).toBeNull()
  })

  test('a row that cannot be used is set aside with its reason, once, and saved all the same', () => {
    const { feed, directory, seen } = aFeed()
    const broken = aRow({ concurrency: 'many' })
    feed.apply([aChange(null, broken)], 10n)
    feed.apply([aChange(broken, broken)], 20n)
    expect(directory.get('a')?.disabledReason).toMatch(/concurrency/)
    expect(seen.filter((line) => line.startsWith('quarantined'))).toHaveLength(1)
    expect(feed.take(20n)?.saved.get('a')?.['concurrency']).toBe('many')
  })

  test('a truncate ends every subscription', () => {
    const { feed, directory } = aFeed()
    feed.apply([aChange(null, aRow()), aChange(null, aRow({ id: 'b' }))], 10n)
    const transaction = { xid: 1, commitLsn: 1n, committedAt: '2026-01-01T00:00:00Z' }
    feed.apply([{ kind: 'truncate', op: 'truncate', transaction, lsn: '0/1', ordinal: 0, relation }], 20n)
    expect(directory.ids()).toEqual([])
  })
})
