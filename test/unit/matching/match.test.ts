import { describe, expect, test } from 'vitest'
import { UnknownValueError } from '../../../src/matching/event.ts'
import type { EventDefinition } from '../../../src/matching/event.ts'
import { EventIndex, isNoop, matches } from '../../../src/matching/match.ts'
import { Unreadable } from '../../../src/replication/change.ts'
import { aTable } from '../../support/rows.ts'

function anEvent(declaredName: string, settings: Partial<EventDefinition> = {}): EventDefinition {
  return {
    declaredName,
    name: null,
    table: 'public.article',
    operations: new Set(['insert']),
    manual: false,
    enabled: true,
    predicate: null,
    skipNoop: false,
    owner: null,
    broadcast: false,
    data: { kind: 'all' },
    ref: null,
    sender: null,
    includeOld: false,
    includeChanged: false,
    headers: [],
    requestData: [],
    envelope: null,
    subscribers: [],
    timeoutMs: null,
    retry: null,
    recipients: { schemes: ['https'], ports: 'any', blockInternal: true, allowCidrs: [], blockCidrs: [] },
    keepAlive: true,
    description: null,
    label: null,
    ...settings,
  }
}

const aManualEvent = (name: string) => anEvent(name, { manual: true, table: null, operations: new Set() })

describe('the index of events', () => {
  const index = new EventIndex([
    anEvent('b.changed', { operations: new Set(['insert', 'update']) }),
    anEvent('a.created'),
    anEvent('c.created', { enabled: false }),
    anEvent('a.other', { table: 'shop.order' }),
    anEvent('a.emptied', { operations: new Set(['truncate']) }),
    aManualEvent('user.logged_in'),
  ])
  const names = (events: readonly EventDefinition[]) => events.map(({ declaredName }) => declaredName)

  test('gives the enabled events of a table and an operation by name', () => {
    expect(names(index.forChange('public.article', 'insert'))).toEqual(['a.created', 'b.changed'])
    expect(names(index.forChange('public.article', 'update'))).toEqual(['b.changed'])
    expect(names(index.forChange('public.article', 'delete'))).toEqual([])
    expect(names(index.forChange('public.article', 'truncate'))).toEqual(['a.emptied'])
    expect(names(index.forChange('shop.order', 'insert'))).toEqual(['a.other'])
    expect(names(index.forChange('public.unknown', 'insert'))).toEqual([])
  })

  test('gives manual events by name, and no others', () => {
    expect(index.emitted('user.logged_in')?.declaredName).toBe('user.logged_in')
    expect(index.emitted('a.created')).toBeUndefined()
    expect(new EventIndex([{ ...aManualEvent('x'), enabled: false }]).emitted('x')).toBeUndefined()
  })
})

describe('an update that changes nothing', () => {
  const table = aTable({ id: 'integer', state: 'text', total: 'numeric' })
  const row = { id: '1', state: 'A', total: '1.0' }
  const unreadable = new Unreadable('is NaN')

  test.each([
    ['every column as it was', row, row, true],
    ['NULL as it was', { ...row, state: null }, { ...row, state: null }, true],
    ['another value', row, { ...row, state: 'B' }, false],
    ['another value beside an unknown one', { ...row, total: undefined }, { ...row, state: 'B' }, false],
    ['another scale of a number', row, { ...row, total: '1.00' }, false],
    ['NULL for the empty text', { ...row, state: '' }, { ...row, state: null }, false],
  ])('%s', (_what, old, now, expected) => {
    expect(isNoop(table.update(old, now))).toBe(expected)
  })

  test('cannot be told without the old row, nor with a value that cannot be read', () => {
    expect(() => isNoop(table.update(null, row))).toThrow(UnknownValueError)
    expect(() => isNoop(table.update({ ...row, total: undefined }, row))).toThrow('column "total"')
    expect(() => isNoop(table.update({ ...row, total: unreadable }, { ...row, total: unreadable }))).toThrow(
      UnknownValueError,
    )
  })

  test('is an update: inserts and deletes always change something', () => {
    expect(isNoop(table.insert(row))).toBe(false)
    expect(isNoop(table.delete(row))).toBe(false)
  })

  test('sets a plain event off, but not one that skips it', () => {
    const update = table.update(row, row)
    expect(matches(anEvent('a'), update)).toBe(true)
    expect(matches(anEvent('a', { skipNoop: true }), update)).toBe(false)
    expect(matches(anEvent('a', { skipNoop: true }), table.update(row, { ...row, state: 'B' }))).toBe(true)
  })

  test('is not looked for where the condition does not hold', () => {
    const event = anEvent('a', { skipNoop: true, predicate: () => false })
    expect(matches(event, table.update(null, row))).toBe(false)
    expect(matches(anEvent('a', { predicate: () => true }), table.update(row, row))).toBe(true)
  })
})
