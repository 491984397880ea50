import { describe, expect, test } from 'vitest'
import type { Position } from '../../../src/replication/change.ts'
import { Resume } from '../../../src/replication/resume.ts'

/** The change number `n`, in a transaction of its own. */
function at(n: number): Position {
  return { commitLsn: BigInt(n), lsn: BigInt(n), ordinal: 0 }
}

function text(n: number): string {
  return `0/${n} 0/${n} 0`
}

/** Which of the deliveries d1 to d9 to `sub`, one for each change, are handed out again. */
function handedOut(resume: Resume, from = 1, to = 9): string[] {
  const ids: string[] = []
  for (let n = from; n <= to; n++) if (!resume.isSettled(at(n), 'sub', `d${n}`)) ids.push(`d${n}`)
  return ids
}

describe('what was settled before a restart', () => {
  test.each<[string, { from: number | null; ids: string[] } | null, string[]]>([
    ['is everything where nothing was owed', null, []],
    ['is everything but what is named', { from: null, ids: ['d2', 'd7'] }, ['d2', 'd7']],
    ['ends where the untouched begin', { from: 7, ids: [] }, ['d7', 'd8', 'd9']],
    ['is neither named nor among the untouched', { from: 8, ids: ['d1', 'd3'] }, ['d1', 'd3', 'd8', 'd9']],
  ])('%s', (_, owed, expected) => {
    const open = owed && {
      from: owed.from === null ? null : { position: text(owed.from), id: `d${owed.from}` },
      ids: owed.ids,
    }
    expect(handedOut(new Resume({ readUpto: text(9), open: open === null ? {} : { sub: open } }))).toEqual(expected)
  })

  test('tells deliveries of one change apart by their ids', () => {
    const resume = new Resume({
      readUpto: text(5),
      open: { sub: { from: { position: text(3), id: 'b' }, ids: ['a'] } },
    })
    const settled = ['x', 'a', 'y', 'b', 'c'].map((id) => resume.isSettled(at(3), 'sub', id))
    expect(settled).toEqual([true, false, true, false, false])
  })

  test('begins behind the position where its delivery does not come any more', () => {
    const resume = new Resume({
      readUpto: text(5),
      open: { sub: { from: { position: text(3), id: 'gone' }, ids: [] } },
    })
    expect(handedOut(resume, 1, 5)).toEqual(['d4', 'd5'])
  })

  test('covers changes up to the last one that was read', () => {
    const resume = new Resume({ readUpto: text(5), open: {} })
    expect([at(4), at(5), at(6)].map((position) => resume.covers(position))).toEqual([true, true, false])
    expect(new Resume({ readUpto: null, open: {} }).covers(at(1))).toBe(false)
  })
})

describe('the record that is saved while the stretch is read again', () => {
  const point = { readUpto: text(9), open: { sub: { from: { position: text(6), id: 'd6' }, ids: ['d2', 'd4'] } } }

  test('is the old one before anything was read', () => {
    expect(new Resume(point).extend(null, {})).toEqual(point)
  })

  test('is the old one for what lies ahead, and what this run owes for the rest', () => {
    const resume = new Resume(point)
    handedOut(resume, 1, 3)
    expect(resume.extend(at(3), {})).toEqual({
      readUpto: text(9),
      open: { sub: { from: { position: text(6), id: 'd6' }, ids: ['d4'] } },
    })
    expect(resume.extend(at(3), { sub: { from: null, ids: ['d2'] }, other: { from: null, ids: ['o1'] } })).toEqual({
      readUpto: text(9),
      open: { sub: { from: { position: text(6), id: 'd6' }, ids: ['d2', 'd4'] }, other: { from: null, ids: ['o1'] } },
    })
  })

  test('owes all that comes behind the last change read, once the untouched have begun', () => {
    const resume = new Resume(point)
    handedOut(resume, 1, 7)
    const saved = resume.extend(at(7), { sub: { from: null, ids: ['d6'] } })
    expect(handedOut(new Resume(saved))).toEqual(['d6', 'd8', 'd9'])
    const waiting = resume.extend(at(7), { sub: { from: { position: text(7), id: 'd7' }, ids: ['d7'] } })
    expect(handedOut(new Resume(waiting))).toEqual(['d7', 'd8', 'd9'])
  })

  test('is what this run owes, once it has read as far', () => {
    const resume = new Resume(point)
    handedOut(resume)
    expect(resume.extend(at(9), {})).toEqual({ readUpto: text(9), open: {} })
    expect(resume.extend(at(10), {})).toEqual({ readUpto: '0/A 0/A 0', open: {} })
  })

  test('is what this run owes, once it is told that the rest does not come', () => {
    const resume = new Resume(point)
    resume.end()
    expect(resume.extend(at(3), {})).toEqual({ readUpto: text(3), open: {} })
  })
})
