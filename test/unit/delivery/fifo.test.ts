import { expect, test } from 'vitest'
import { Fifo } from '../../../src/delivery/fifo.ts'

test('gives back in order what was put in, however much came and went', () => {
  const fifo = new Fifo<number>()
  const out: number[] = []
  for (let n = 0; n < 10_000; n++) {
    fifo.push(n)
    if (n % 3 !== 0) out.push(fifo.shift()!)
  }
  expect(fifo.length).toBe(10_000 - out.length)
  expect([...fifo]).toEqual(Array.from({ length: fifo.length }, (_, at) => out.length + at))
  expect(fifo.peek()).toBe(out.length)
  out.push(...fifo.drain())
  expect(out).toEqual(Array.from({ length: 10_000 }, (_, at) => at))
})

test('is empty when nothing is left', () => {
  const fifo = new Fifo<string>()
  expect([fifo.length, fifo.peek(), fifo.shift(), [...fifo], fifo.drain()]).toEqual([0, undefined, undefined, [], []])
  fifo.push('a')
  expect(fifo.shift()).toBe('a')
  fifo.push('b')
  expect([fifo.length, fifo.peek()]).toEqual([1, 'b'])
})
