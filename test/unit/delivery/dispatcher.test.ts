import { describe, expect, test } from 'vitest'
import type { Delivery } from '../../../src/delivery/delivery.ts'
import type { DispatcherPorts, Emission, ResumeFilter } from '../../../src/delivery/dispatcher.ts'
import { Dispatcher } from '../../../src/delivery/dispatcher.ts'
import { PayloadError } from '../../../src/delivery/facts.ts'
import { deliveryId } from '../../../src/delivery/identity.ts'
import type { EventDefinition } from '../../../src/matching/event.ts'
import type { Change, RowChange } from '../../../src/replication/change.ts'
import type { Subscription } from '../../../src/subscriptions/subscriber.ts'
import { SUBSCRIBER } from './world.ts'

const RELATION = { name: 'public.article', schema: 'public', table: 'article', columns: [], index: new Map(), key: [] }
const PLACE = {
  transaction: { xid: 7, commitLsn: 5n, committedAt: '2026-01-13T23:12:52.205785Z' },
  lsn: '0/3',
  ordinal: 1,
}
const CHANGE: RowChange = {
  kind: 'row',
  op: 'insert',
  ...PLACE,
  relation: RELATION,
  old: null,
  oldComplete: false,
  new: null,
}
const POSITION = { commitLsn: 5n, lsn: 3n, ordinal: 1 }

function anEvent(declaredName: string, rest: Partial<EventDefinition> = {}): EventDefinition {
  return { declaredName, owner: null, broadcast: false, ...rest } as unknown as EventDefinition
}

function to(id: string, filter: Subscription['filter'] = null): Subscription {
  return { subscriber: { ...SUBSCRIBER, id }, filter }
}

/** Dispatches one change among three subscribers: a, b, and c, which belongs to "me". */
function play(ports: Partial<DispatcherPorts> = {}, change: Change = CHANGE, resume: ResumeFilter | null = null) {
  const sent: Delivery[] = []
  const log: string[] = []
  let open = 0
  const all = [to('a'), to('b'), to('c')]
  const dispatcher = new Dispatcher({
    systemId: '1',
    eventsFor: () => [anEvent('article.created')],
    manualEvent: () => undefined,
    readEmission: () => {
      throw new Error('not JSON')
    },
    matches: () => true,
    ownerOf: () => null,
    reach: () => ({ all, of: (owner) => (owner === 'me' ? all : all.slice(0, 2)), misfits: [] }),
    render: ({ definition }) => ({
      event: definition.declaredName,
      bodyFor: () => ({ body: Buffer.from('{}'), variant: 'v', contentType: 'application/json', headers: [] }),
    }),
    keysOf: () => ({ key: 'public.article:1', oldKey: null, json: '{"id":1}' }),
    offer: (_, delivery) => sent.push(delivery),
    bury: ({ subscriberId }, reason) => log.push(`${subscriberId} buried: ${reason}`),
    failed: ({ kind, event, subscriberId, message }) => log.push([kind, event, subscriberId, message].join(' ')),
    matched: ({ declaredName }) => log.push(`matched ${declaredName}`),
    now: () => 42,
    ...ports,
  })
  dispatcher.dispatch(
    change,
    { open: () => open++, settle: () => undefined },
    resume && { filter: resume, position: POSITION },
  )
  return { to: sent.map(({ subscriberId, message }) => `${message.declaredEvent} to ${subscriberId}`), log, sent, open }
}

function broken(message: string): () => never {
  return () => {
    throw new Error(message)
  }
}

describe('a change', () => {
  test('goes to everybody whom its event reaches, once for each', () => {
    const { sent, open, log, ...rest } = play()
    expect(rest.to).toEqual(['article.created to a', 'article.created to b', 'article.created to c'])
    expect([open, log]).toEqual([3, ['matched article.created']])
    const [first] = sent
    expect(first).toMatchObject({
      id: deliveryId(first!.message.id, 'a'),
      key: 'public.article:1',
      receivedAt: 42,
      stored: false,
      attempts: 0,
      message: {
        event: 'article.created',
        table: 'public.article',
        op: 'insert',
        rowKeyJson: '{"id":1}',
        lsn: '0/3',
        ordinal: 1,
      },
    })
    expect(new Set(sent.map(({ message }) => message.id)).size).toBe(1)
  })

  test('makes a message for each event that it matches', () => {
    const events = ['article.created', 'article.any'].map((name) => anEvent(name))
    const { sent } = play({ eventsFor: () => events, reach: () => ({ all: [to('a')], of: () => [], misfits: [] }) })
    expect(sent.map(({ message }) => message.event)).toEqual(['article.created', 'article.any'])
    expect(new Set(sent.map(({ id }) => id)).size).toBe(2)
  })

  test.each<[string, Partial<EventDefinition>, string | null, string[]]>([
    ['without an owner reaches all', {}, 'me', ['a', 'b', 'c']],
    ['with an owner reaches that owner', { owner: 'account' }, 'me', ['a', 'b', 'c']],
    ['of somebody else does not', { owner: 'account' }, 'you', ['a', 'b']],
    ['of nobody reaches those without an owner', { owner: 'account' }, null, ['a', 'b']],
    ['that is broadcast reaches all', { owner: 'account', broadcast: true }, null, ['a', 'b', 'c']],
  ])('%s', (_, event, owner, expected) => {
    const { sent } = play({ eventsFor: () => [anEvent('e', event)], ownerOf: () => owner })
    expect(sent.map(({ subscriberId }) => subscriberId)).toEqual(expected)
  })

  test('passes the filter of each subscriber', () => {
    const all = [to('a', () => false), to('b', () => true), to('c', broken('column "x" is unknown'))]
    const { log, ...rest } = play({ reach: () => ({ all, of: () => all, misfits: [] }) })
    expect(rest.to).toEqual(['article.created to b'])
    expect(log).toEqual(['matched article.created', 'filter article.created c column "x" is unknown'])
  })
})

describe('what goes wrong', () => {
  const events = [anEvent('bad'), anEvent('good')]
  const onlyBad = (message: string) => (what: { declaredName: string }) => {
    if (what.declaredName === 'bad') throw new Error(message)
    return true
  }

  test('with the condition of one event leaves the others alone', () => {
    const { log, ...rest } = play({ eventsFor: () => events, matches: onlyBad('old is unknown') })
    expect(log).toEqual(['condition bad  old is unknown', 'matched good'])
    expect(rest.to).toHaveLength(3)
  })

  test('with the name of one event leaves the others alone', () => {
    const { log, ...rest } = play({
      eventsFor: () => events,
      render: ({ definition }) => {
        onlyBad('no column "x"')(definition)
        return { event: 'good', bodyFor: () => ({ body: Buffer.alloc(0), variant: 'v', contentType: '', headers: [] }) }
      },
    })
    expect(log).toEqual(['payload bad  no column "x"', 'matched good'])
    expect(rest.to).toHaveLength(3)
  })

  test('with the owner of a row is told', () => {
    const { log } = play({ eventsFor: () => [anEvent('e', { owner: 'x' })], ownerOf: broken('owner is unknown') })
    expect(log).toEqual(['payload e  owner is unknown'])
  })

  test('with a filter that does not fit is told for its subscriber', () => {
    const misfits = [{ subscriber: { id: 'z' }, problem: 'no column "x"' }]
    const { log } = play({ reach: () => ({ all: [], of: () => [], misfits }) })
    expect(log).toEqual(['filter article.created z no column "x"', 'matched article.created'])
  })

  test.each([
    ['too_large', 'payload_too_large'],
    ['unreadable_value', 'unreadable_value'],
  ] as const)('with a body that is %s makes dead letters that say where the row is', (problem, name) => {
    const { log, sent, open } = play({
      render: () => ({
        event: 'e',
        bodyFor: () => {
          throw new PayloadError(problem, 'the body has 2 MiB')
        },
      }),
    })
    expect([sent, open]).toEqual([[], 3])
    expect(log[1]).toBe(`a buried: ${name}: the body has 2 MiB; row {"id":1} of public.article at 0/3`)
  })

  test('with a template of the body is an error of the event', () => {
    const { log, open } = play({ render: () => ({ event: 'e', bodyFor: broken('config.path is missing') }) })
    expect(open).toBe(0)
    expect(log).toContain('payload article.created  config.path is missing')
  })

  test('in decoding is told', () => {
    const change: Change = { kind: 'undecodable', ...PLACE, table: 'public.article', op: 'insert', reason: 'not JSON' }
    expect(play({}, change).log).toEqual(['undecodable   not JSON'])
  })
})

describe('an emitted event', () => {
  const message: Change = { kind: 'emitted', ...PLACE, content: '{}' }
  const emission = {
    event: 'user.logged_in',
    data: '{}',
    ref: null,
    sender: null,
    owner: null,
    message,
    change: CHANGE,
  } as Emission

  test('goes out under its name, with no table', () => {
    const { sent } = play({ readEmission: () => emission, manualEvent: (name) => anEvent(name) }, message)
    expect(sent[0]!.message).toMatchObject({ event: 'user.logged_in', table: null, op: 'emit' })
  })

  test.each([
    [null, ['a', 'b', 'c']],
    ['me', ['a', 'b', 'c']],
    ['you', ['a', 'b']],
  ])('of the owner %o reaches %j', (owner, expected) => {
    const ports = { readEmission: () => ({ ...emission, owner }), manualEvent: (name: string) => anEvent(name) }
    expect(play(ports, message).sent.map(({ subscriberId }) => subscriberId)).toEqual(expected)
  })

  test('that nobody has declared, or that cannot be read, is told', () => {
    expect(play({ readEmission: () => emission }, message).log).toEqual([
      'emitted user.logged_in  no event "user.logged_in" with "manual: true" is declared',
    ])
    expect(play({}, message).log).toEqual(['emitted   not JSON'])
  })
})

describe('a change that an earlier run has dispatched', () => {
  const settledFor = (...ids: string[]): ResumeFilter => ({
    covers: () => true,
    isSettled: (_, subscriberId) => ids.includes(subscriberId),
  })

  test('goes only to those for whom it is not settled', () => {
    expect(play({}, CHANGE, settledFor('a', 'c')).to).toEqual(['article.created to b'])
  })

  test('is neither counted nor complained about again', () => {
    expect(play({}, CHANGE, settledFor('a', 'b', 'c')).log).toEqual([])
    expect(play({ matches: broken('old is unknown') }, CHANGE, settledFor()).log).toEqual([])
  })

  test('asks for each subscriber before its filter, so that the order of the questions stays the same', () => {
    const asked: string[] = []
    const resume: ResumeFilter = { covers: () => true, isSettled: (_, id) => asked.push(id) < 0 }
    const all = [to('a', () => false), to('b')]
    play({ reach: () => ({ all, of: () => all, misfits: [] }) }, CHANGE, resume)
    expect(asked).toEqual(['a', 'b'])
  })
})
