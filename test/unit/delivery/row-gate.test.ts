import { describe, expect, test } from 'vitest'
import { RowGate } from '../../../src/delivery/row-gate.ts'

interface Item {
  readonly id: string
  readonly key: string
  readonly oldKey: string | null
}

/** `a1` has the key a; `b2<a` moved from a to b. */
function item(text: string): Item {
  const [id, oldKey] = text.split('<')
  return { id: id!, key: id!.slice(0, 1), oldKey: oldKey ?? null }
}

/**
 * `a1` admits under a holder of its own; `a1@h` under holder h; `-a1` releases and takes what may go, `-a1,a2` both;
 * `!a1` parks; `^a1` unparks; `~` forgets shadows. Every step tells what came of it.
 */
function play(script: string, options = { shared: false }): string[] {
  const gate = new RowGate<Item>(options)
  const items = new Map<string, Item>()
  const holders = new Map<string, object>()
  const holder = (name: string): object => {
    const known = holders.get(name) ?? {}
    holders.set(name, known)
    return known
  }
  return script.split(' ').map((step) => {
    const rest = step.slice(1)
    if (step === '~') gate.clearShadows()
    else if (step.startsWith('-')) {
      const ready = gate.release(rest.split(',').map((id) => items.get(id)!))
      for (const next of ready) gate.take(next, {})
      return ready.map(({ id }) => id).join()
    } else if (step.startsWith('!'))
      return gate
        .park(items.get(rest)!)
        .map(({ id }) => id)
        .join()
    else if (step.startsWith('^')) gate.unpark(items.get(rest)!)
    else {
      const [text, name] = step.split('@')
      const one = item(text!)
      items.set(one.id, one)
      return gate.admit(one, holder(name ?? one.id))
    }
    return ''
  })
}

describe('the gate', () => {
  test.each<[string, string, string[]]>([
    ['lets different rows pass', 'a1 b1', ['go', 'go']],
    ['keeps a row behind itself', 'a1 a2 a3 -a1 -a2', ['go', 'wait', 'wait', 'a2', 'a3']],
    ['lets a holder have a row twice', 'a1@h a2@h', ['go', 'go']],
    ['does not let a holder jump the queue', 'a1@h a2 a3@h', ['go', 'wait', 'wait']],
    [
      'hands out a row once when its holder gives two back',
      'a1@h a2@h a3 a4 -a1,a2 -a3',
      ['go', 'go', 'wait', 'wait', 'a3', 'a4'],
    ],
    ['holds both keys of a move', 'b1<a a2 b2 -b1', ['go', 'wait', 'wait', 'b2,a2']],
    ['makes a move wait for both of its keys', 'a1 b1 b2<a -a1 -b1', ['go', 'go', 'wait', '', 'b2']],
    ['makes others wait behind a move that waits', 'a1 b2<a b3 -a1 -b2', ['go', 'wait', 'wait', 'b2', 'b3']],
    ['refuses what is parked', 'a1 !a1 a2 b1', ['go', '', 'parked', 'go']],
    ['gives out what waited behind a row that is parked', 'a1 a2 a3 !a1', ['go', 'wait', 'wait', 'a2,a3']],
    ['frees a row when its failure is over', 'a1 !a1 ^a1 a2', ['go', '', '', 'go']],
    [
      'keeps a row parked until each of its failures is over',
      'a1@h a2@h !a1 !a2 ^a1 a3 ^a2 a4',
      ['go', 'go', '', '', '', 'parked', '', 'go'],
    ],
    ['holds the other key of a parked move back', 'a1 !a1 b2<a b3', ['go', '', 'parked', 'parked']],
    [
      'holds back what waits behind a move that waits for a parked row',
      'a1 b1 b2<a b3 !a1 b4',
      ['go', 'go', 'wait', 'wait', 'b2,b3', 'parked'],
    ],
    [
      'holds a move back by its old key, and by its new one',
      'a1 !a1 a2<b c1<a b9 c9',
      ['go', '', 'parked', 'parked', 'parked', 'parked'],
    ],
    ['forgets what was held back indirectly when told to', 'a1 !a1 b2<a ~ b3', ['go', '', 'parked', '', 'go']],
    ['forgets it as well when nothing is parked any more', 'a1 !a1 b2<a ^a1 b3', ['go', '', 'parked', '', 'go']],
  ])('%s: %s', (_, script, results) => {
    expect(play(script)).toEqual(results)
  })

  test('keeps one order for everything where it is shared', () => {
    expect(play('a1 b1<c -a1 !b1 d1', { shared: true })).toEqual(['go', 'wait', 'b1', '', 'parked'])
  })

  test('evicts all that waits, each once and in order, and keeps the holders', () => {
    const gate = new RowGate<Item>({ shared: false })
    for (const text of ['a1', 'b1', 'b2<a', 'a3', 'b3']) gate.admit(item(text), {})
    expect(gate.blocked).toBe(3)
    expect(gate.evict().map(({ id }) => id)).toEqual(['b2', 'a3', 'b3'])
    expect(gate.blocked).toBe(0)
    expect(gate.admit(item('a4'), {})).toBe('wait')
  })

  test('offers a holder the next of its row, unless somebody else has a key of it', () => {
    const gate = new RowGate<Item>({ shared: false })
    const [holder, other] = [{}, {}]
    const first = item('a1')
    gate.admit(first, holder)
    gate.admit(item('a2'), other)
    const next = gate.following(first, holder)
    expect(next?.id).toBe('a2')
    gate.take(next!, holder)
    gate.admit(item('b1'), other)
    gate.admit(item('b2<a'), other)
    expect(gate.following(first, holder)).toBeNull()
    expect(gate.following(item('c1'), holder)).toBeNull()
  })

  test('lists the parked keys, and forgets them all at once', () => {
    const gate = new RowGate<Item>({ shared: false })
    gate.parkStored(item('b1<a'))
    expect([gate.parked, gate.parkedKeys()]).toEqual([2, ['b', 'a']])
    gate.unparkAll()
    expect([gate.parked, gate.parkedKeys()]).toEqual([0, []])
  })
})
