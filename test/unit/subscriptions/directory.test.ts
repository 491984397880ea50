import { describe, expect, test } from 'vitest'
import type { EventDefinition } from '../../../src/matching/event.ts'
import type { DirectoryRules } from '../../../src/subscriptions/directory.ts'
import { Directory } from '../../../src/subscriptions/directory.ts'
import { EMPTY } from '../../../src/subscriptions/parse-subscriber.ts'
import type { Subscriber } from '../../../src/subscriptions/subscriber.ts'

/** A pattern is a prefix; `!` is malformed. A filter is the name of the only event that it fits. */
const RULES: DirectoryRules = {
  compilePattern: (pattern) => (pattern.startsWith('!') ? null : (name) => name.startsWith(pattern)),
  compileFilter(filter, { declaredName }) {
    if (filter === null) return { predicate: null, problem: null }
    if (filter === declaredName) return { predicate: () => true, problem: null }
    return { predicate: null, problem: `does not fit ${declaredName}` }
  },
}

function anEvent(declaredName: string, subscribers: EventDefinition['subscribers'] = []): EventDefinition {
  return { declaredName, subscribers } as unknown as EventDefinition
}

function directoryOf(...subscribers: Partial<Subscriber>[]): Directory {
  const directory = new Directory(RULES)
  for (const subscriber of subscribers) directory.set({ ...EMPTY, ...subscriber })
  return directory
}

function ids(subscriptions: readonly { readonly subscriber: Subscriber }[]): string[] {
  return subscriptions.map(({ subscriber }) => subscriber.id)
}

describe('an event reaches', () => {
  const directory = directoryOf(
    { id: 'all', event: '' },
    { id: 'mine', event: 'article', owner: 'me' },
    { id: 'yours', event: 'article', owner: 'you' },
    { id: 'other', event: 'book' },
    { id: 'malformed', event: '!' },
  )

  test.each<[string | null, string[]]>([
    ['me', ['all', 'mine']],
    ['you', ['all', 'yours']],
    ['nobody', ['all']],
    [null, ['all']],
  ])('with the owner %o: %j', (owner, expected) => {
    expect(ids(directory.reach(anEvent('article.created'), 'article.created').of(owner))).toEqual(expected)
  })

  test('everybody whose pattern matches, without regard to owners', () => {
    expect(ids(directory.reach(anEvent('article.created'), 'article.created').all)).toEqual(['all', 'mine', 'yours'])
  })

  test('by the name it is sent with', () => {
    expect(ids(directory.reach(anEvent('article.created'), 'book.created').all)).toEqual(['all', 'other'])
  })

  test('the subscribers that hookd.yaml names, last', () => {
    const fixed = { id: 'fixed', url: 'https://example.com/', secret: null }
    const { all, of } = directory.reach(anEvent('song.created', [fixed]), 'song.created')
    expect(ids(all)).toEqual(['all', 'fixed'])
    expect(ids(of('me'))).toEqual(['all', 'fixed'])
    expect(all[1]!.subscriber).toMatchObject({ url: 'https://example.com/', isStatic: true, active: true })
  })
})

test('a filter that does not fit an event is told instead of applied', () => {
  const directory = directoryOf({ id: 'a', event: 'article', filter: 'article.created' })
  const fitting = directory.reach(anEvent('article.created'), 'article.created')
  expect([fitting.all.length, fitting.misfits]).toEqual([1, []])
  const { all, misfits } = directory.reach(anEvent('article.removed'), 'article.removed')
  expect([all, misfits.map(({ subscriber, problem }) => [subscriber.id, problem])]).toEqual([
    [],
    [['a', 'does not fit article.removed']],
  ])
})

test('a change takes effect for the next event, and what did not change is not computed again', () => {
  const directory = directoryOf({ id: 'a', event: '' })
  const event = anEvent('article.created')
  const before = directory.reach(event, 'article.created')
  expect(directory.reach(event, 'article.created')).toBe(before)
  directory.delete('unknown')
  expect(directory.reach(event, 'article.created')).toBe(before)
  directory.set({ ...EMPTY, id: 'b', event: 'article' })
  expect(ids(directory.reach(event, 'article.created').all)).toEqual(['a', 'b'])
  directory.set({ ...EMPTY, id: 'a', event: 'book' })
  expect(ids(directory.reach(event, 'article.created').all)).toEqual(['b'])
  directory.delete('b')
  expect(ids(directory.reach(event, 'article.created').all)).toEqual([])
  expect([directory.size, directory.get('a')?.event]).toEqual([1, 'book'])
})

test('new definitions are looked at again', () => {
  const directory = directoryOf({ id: 'a', event: 'article' })
  const before = directory.reach(anEvent('article.created'), 'article.created')
  directory.forgetEvents()
  expect(directory.reach(anEvent('article.created'), 'article.created')).not.toBe(before)
})
