import { expect, test, vi } from 'vitest'
import { createProgram, withDefaultCommand } from '../../../src/cli/program.ts'
import { OPTIONS } from '../../../src/config/option-table.ts'
import { switchedOn } from '../../../src/config/switches.ts'
import { childEnvironment } from '../../../src/config/child-environment.ts'

test.each([
  [[], ['run']],
  [['--once'], ['run', '--once']],
  [
    ['run', '--once'],
    ['run', '--once'],
  ],
  [['--help'], ['--help']],
  [['-V'], ['-V']],
  [['evnts'], ['evnts']],
  [['subscribers'], ['subscribers', 'list']],
  [
    ['deliveries', '--state', 'dead'],
    ['deliveries', 'list', '--state', 'dead'],
  ],
  [
    ['deliveries', 'show', 'x'],
    ['deliveries', 'show', 'x'],
  ],
  [
    ['deliveries', '--help'],
    ['deliveries', '--help'],
  ],
])('%j means %j', (args, meant) => {
  expect(withDefaultCommand(args)).toEqual(meant)
})

test.each(Object.values(OPTIONS))('hookd run has $flag with its variables and its default', (spec) => {
  const run = createProgram().commands.find((command) => command.name() === 'run')
  const option = run?.options.find(({ long }) => long === spec.flag)
  expect(option?.description).toContain(`env: ${spec.env.join(', ')}`)
  expect(option?.description).toContain(spec.default === null ? '(' : `default: ${spec.default}`)
})

test('every option of every command has a variable', () => {
  const { commands } = createProgram()
  const options = commands.concat(commands.flatMap((command) => command.commands)).flatMap((command) => command.options)
  const bare = options.filter(({ envVar, description }) => !envVar && !/env: /.test(description))
  expect(bare.map(({ long }) => long)).toEqual([])
})

test.each([
  [['evnts'], "error: unknown command 'evnts'\n(Did you mean events?)"],
  [['run', '--databse-url', 'x'], "error: unknown option '--databse-url'\n(Did you mean --database-url?)"],
  [['run', 'now'], "error: too many arguments for 'run'. Expected 0 arguments but got 1: now."],
  [
    ['run', '--plugin', 'json'],
    "error: option '--plugin <name>' argument 'json' is invalid. It must be auto, wal2json, pgoutput.",
  ],
  [
    ['emit', 'a.b', '[1]'],
    "error: command-argument value '[1]' is invalid for argument 'data'. It must be a JSON object such as '{\"id\": 1}'.",
  ],
  [
    ['deliveries', 'list', '--state', 'gone'],
    "error: option '--state <state>' argument 'gone' is invalid. Allowed choices are pending, delivered, dead, cancelled.",
  ],
  [['replay'], 'error: say what to send again, for instance "hookd replay --state dead" for all dead letters'],
  [
    ['replay', '--since', 'yesterday'],
    "error: option '--since <time>' argument 'yesterday' is invalid. It must be a duration such as 2h, or a time such as 2026-01-13T09:30:00Z.",
  ],
])('%j is wrong usage', async (args, sentence) => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    await expect(createProgram().parseAsync(args, { from: 'user' })).rejects.toMatchObject({ exitCode: 1 })
    expect(write.mock.calls.join('')).toContain(sentence)
  } finally {
    write.mockRestore()
  }
})

test.each([
  ['true', true],
  ['ON', true],
  ['1', true],
  ['0', false],
  ['no', false],
  ['', false],
])('a switch whose variable is %j is %s', (text, on) => {
  expect(switchedOn('HOOKD_JSON', { HOOKD_JSON: text })).toBe(on)
})

test('a switch whose variable is neither on nor off is refused', () => {
  expect(switchedOn('HOOKD_JSON', {})).toBe(false)
  expect(() => switchedOn('HOOKD_JSON', { HOOKD_JSON: 'perhaps' })).toThrow(
    'HOOKD_JSON must be true or false, not "perhaps"',
  )
})

test('a program that hookd starts inherits no settings of another database', () => {
  const env = { PATH: '/bin', PGHOST: 'db', DATABASE_URL: 'postgres://a', HOOKD_SLOT: 'b' }
  expect(childEnvironment({ LC_ALL: 'C' }, env)).toEqual({ PATH: '/bin', LC_ALL: 'C' })
})
