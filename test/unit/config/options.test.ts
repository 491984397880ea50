import { expect, test } from 'vitest'
import { OPTIONS } from '../../../src/config/option-table.ts'
import { requireDatabaseUrl, resolveOptions } from '../../../src/config/options.ts'

test('without flags and environment every option has its default', () => {
  expect(resolveOptions({}, {})).toEqual({
    databaseUrl: null,
    config: 'hookd.yaml',
    plugin: 'auto',
    slot: 'hookd',
    publication: 'hookd',
    failoverSlot: false,
    listen: null,
    dryRun: false,
    once: false,
    acceptGap: false,
    drainTimeoutMs: 10_000,
    senders: null,
    walSenderTimeoutMs: 2000,
    statusIntervalMs: 500,
    maxPayloadBytes: null,
    retentionMs: null,
    logLevel: 'info',
    logFormat: 'json',
  })
})

test('a flag beats the environment, which beats the default', () => {
  const env = { HOOKD_SLOT: 'from_env', HOOKD_CONFIG: 'env.yaml' }
  const options = resolveOptions({ slot: 'from_flag' }, env)
  expect(options.slot).toBe('from_flag')
  expect(options.config).toBe('env.yaml')
})

test('HOOKD_DATABASE_URL beats DATABASE_URL, and a flag beats both', () => {
  const env = { DATABASE_URL: 'postgres://a/general', HOOKD_DATABASE_URL: 'postgres://a/hookd' }
  expect(resolveOptions({}, env).databaseUrl).toBe('postgres://a/hookd')
  expect(resolveOptions({}, { DATABASE_URL: 'postgres://a/general' }).databaseUrl).toBe('postgres://a/general')
  expect(resolveOptions({ databaseUrl: 'postgresql://a/flag' }, env).databaseUrl).toBe('postgresql://a/flag')
})

test('an empty variable counts as not set', () => {
  expect(resolveOptions({}, { HOOKD_SLOT: '', HOOKD_DATABASE_URL: '', DATABASE_URL: 'postgres://a/b' })).toMatchObject({
    slot: 'hookd',
    databaseUrl: 'postgres://a/b',
  })
})

test('the publication is called like the slot unless it has a name of its own', () => {
  expect(resolveOptions({ slot: 'blue' }, {}).publication).toBe('blue')
  expect(resolveOptions({ slot: 'blue', publication: 'green' }, {}).publication).toBe('green')
})

test.each([
  ['listen', '127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
  ['listen', 'localhost:0', { host: 'localhost', port: 0 }],
  ['listen', '[::1]:9464', { host: '::1', port: 9464 }],
  ['listen', '9464', { host: '127.0.0.1', port: 9464 }],
])('--%s %s gives %o', (flag, text, value) => {
  expect(resolveOptions({ [flag]: text }, {}).listen).toEqual(value)
})

test.each([
  ['drainTimeout', '0s', 'drainTimeoutMs', 0],
  ['drainTimeout', '1m', 'drainTimeoutMs', 60_000],
  ['senders', '0', 'senders', 0],
  ['senders', '4', 'senders', 4],
  ['walSenderTimeout', '0s', 'walSenderTimeoutMs', 0],
  ['maxPayload', '256KiB', 'maxPayloadBytes', 262_144],
  ['retention', '30d', 'retentionMs', 2_592_000_000],
  ['dryRun', true, 'dryRun', true],
  ['plugin', 'pgoutput', 'plugin', 'pgoutput'],
] as const)('the flag %s with %s sets %s to %s', (flag, text, name, value) => {
  expect(resolveOptions({ [flag]: text }, {})[name]).toBe(value)
})

test.each([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['FALSE', false],
  ['0', false],
  ['off', false],
])('HOOKD_DRY_RUN=%s is %s', (text, value) => {
  expect(resolveOptions({}, { HOOKD_DRY_RUN: text }).dryRun).toBe(value)
})

test('the status interval stays below a third of the timeout it has to beat', () => {
  expect(resolveOptions({ walSenderTimeout: '1s' }, {}).statusIntervalMs).toBe(333)
  expect(resolveOptions({ walSenderTimeout: '0s', statusInterval: '5s' }, {}).statusIntervalMs).toBe(5000)
  expect(() => resolveOptions({ statusInterval: '700ms' }, {})).toThrow(
    '--status-interval must be at most a third of --wal-sender-timeout: 666ms',
  )
})

test.each([
  [{ plugin: 'decoderbufs' }, {}, '--plugin must be auto, wal2json, pgoutput, not "decoderbufs"'],
  [{ slot: 'My-Slot' }, {}, '--slot must be at most 63 lower-case letters, digits and underscores, not "My-Slot"'],
  [{ slot: '' }, {}, '--slot must be at most 63 lower-case letters, digits and underscores, not ""'],
  [{}, { HOOKD_LISTEN: ':9464' }, 'HOOKD_LISTEN must be host:port'],
  [{ listen: '127.0.0.1:70000' }, {}, '--listen must be host:port'],
  [{ listen: '[::g]:80' }, {}, '--listen must be host:port'],
  [{ drainTimeout: '10' }, {}, '--drain-timeout must be a duration up to 1h, such as 500ms, 15s'],
  [{ drainTimeout: '2h' }, {}, '--drain-timeout must be a duration up to 1h'],
  [{ senders: '33' }, {}, '--senders must be a whole number from 0 to 32'],
  [{ senders: '-1' }, {}, '--senders must be a whole number from 0 to 32'],
  [{ walSenderTimeout: '10ms' }, {}, '--wal-sender-timeout must be 0s or a duration from 1s to 10m, not "10ms"'],
  [{ maxPayload: '1TB' }, {}, '--max-payload must be a size from 1KiB to 64MiB'],
  [{ publication: 'p'.repeat(64) }, {}, '--publication must be at most 63 bytes'],
  [
    {},
    { HOOKD_LOG_LEVEL: 'loud' },
    'HOOKD_LOG_LEVEL must be trace, debug, info, warn, error, fatal, silent, not "loud"',
  ],
  [{}, { HOOKD_ONCE: 'maybe' }, 'HOOKD_ONCE must be true or false, not "maybe"'],
])('flags %o and environment %o are refused', (flags, env, message) => {
  expect(() => resolveOptions(flags, env)).toThrow(message)
})

test('every bad option is named at once, with where to look next', () => {
  const error = thrown(() => resolveOptions({ plugin: 'x', slot: 'Y' }, { HOOKD_RETENTION: '7' }))
  expect(error).toMatchObject({ name: 'HookdError', code: 'HOOKD_BAD_OPTION' })
  expect(String(error.message).split('\n')).toEqual([
    expect.stringContaining('--plugin'),
    expect.stringContaining('--slot'),
    expect.stringContaining('HOOKD_RETENTION'),
    'Run "hookd run --help" to see every option.',
  ])
})

test('a bad database URL is never repeated, since it holds a password', () => {
  const error = thrown(() => resolveOptions({}, { DATABASE_URL: 'mysql://app:s3cret@db/app' }))
  expect(error.message).toContain('DATABASE_URL must be a URL that starts with postgres://')
  expect(error.message).not.toContain('s3cret')
})

test('a command that needs a database says how to name one', () => {
  expect(requireDatabaseUrl(resolveOptions({}, { DATABASE_URL: 'postgres://a/b' }))).toBe('postgres://a/b')
  expect(thrown(() => requireDatabaseUrl(resolveOptions({}, {})))).toMatchObject({
    code: 'HOOKD_NO_DATABASE_URL',
    message: 'no database: set DATABASE_URL=postgres://user:password@host:5432/name, or pass --database-url.',
  })
})

test.each(Object.entries(OPTIONS))(
  'the option %s is described, has a variable and a default that it accepts',
  (_, spec) => {
    expect(spec.flag).toMatch(/^--[a-z][a-z-]*$/)
    expect(spec.env).toContain(`HOOKD_${spec.flag.slice(2).toUpperCase().replaceAll('-', '_')}`)
    expect(spec.description).toMatch(/^[a-zA-Z].{9,}[^.]$/)
    expect(spec.default === null || spec.parse(spec.default) !== null).toBe(true)
  },
)

function thrown(action: () => unknown): Error {
  try {
    action()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
