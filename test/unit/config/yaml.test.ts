import { expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/load.ts'
import { load } from './load-config.ts'

test('anchors and aliases stand for what they name', () => {
  const { events } = load(`events:
  a: { table: article, on: insert, retry: &fast { schedule: [1s] } }
  b: { table: article, on: insert, retry: *fast }
`)
  expect(events[1]?.retry).toEqual({ scheduleMs: [1000] })
})

test('aliases that blow a file up are refused', () => {
  const levels = Array.from({ length: 12 }, (_, i) => `  l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(10)}]`)
  const { problems } = parseConfig(`x:\n  l0: &l0 [a]\n${levels.join('\n')}\n`, 'hookd.yaml', { catalog: null })
  expect(problems.map(({ message }) => message)).toEqual([
    'unknown key "x" in the file; known: delivery, events, recipients, tables',
    'the aliases of this file stand for more than 100000 values',
  ])
})

test('the line ends of Windows do not shift a place', () => {
  const { problems } = parseConfig('events:\r\n  a.b:\r\n    manual: maybe\r\n', 'hookd.yaml', { catalog: null })
  expect(problems).toEqual([
    {
      file: 'hookd.yaml',
      line: 3,
      column: 13,
      message: '"manual" in event "a.b" must be true or false, not text',
      excerpt: '    manual: maybe',
    },
  ])
})
