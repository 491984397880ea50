import { expect, test } from 'vitest'
import { ALL_CASES } from '../../../bench/all-cases.ts'
import { readOptions } from '../../../bench/options.ts'

const KEYS = ALL_CASES.map(({ key }) => key)

test('the cases come in the order of the table', () => {
  expect(KEYS).toEqual(['sink', 'bare', 'recvlogical', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'fail'])
})

test('without options everything runs three times under both plugins', () => {
  expect(readOptions([], KEYS)).toEqual({
    json: false,
    only: null,
    plugins: ['wal2json', 'pgoutput'],
    reps: 3,
    events: 20_000,
  })
})

test('options choose cases, a plugin, repetitions and events', () => {
  const args = ['--json', '--only', 'a,b', '--plugin', 'pgoutput', '--reps', '1', '--events', '500']
  expect(readOptions(args, KEYS)).toEqual({ json: true, only: ['a', 'b'], plugins: ['pgoutput'], reps: 1, events: 500 })
})

test.each([
  [['--only', 'a,zz'], 'there is no case "zz"; there are sink, bare, recvlogical, a,'],
  [['--plugin', 'test_decoding'], '--plugin is wal2json or pgoutput'],
  [['--reps', '0'], '--reps is a whole number above 0'],
  [['--events', 'many'], '--events is a whole number above 0'],
  [['--fast'], "Unknown option '--fast'"],
])('%s is refused', (args, message) => {
  expect(() => readOptions(args, KEYS)).toThrow(message)
})
