import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { OPTIONS } from '../../src/config/option-table.ts'
import { flagName } from '../../src/config/options.ts'
import * as hookd from '../../src/index.ts'
import { atEnd } from '../support/at-end.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TSC = join(ROOT, 'node_modules', '.bin', 'tsc')

test('the library exports these and nothing else', () => {
  expect(Object.keys(hookd).toSorted()).toEqual(['HookdError', 'WebhookVerificationError', 'startHookd', 'verify'])
})

describe('startHookd', () => {
  test('refuses a bad value before it does anything, also one without its unit', () => {
    const given = { databaseUrl: 'postgres://db/app', drainTimeout: 10_000, slot: 'A-B' }
    expect(complaint(given)).toMatch(/^--slot must be .*\n--drain-timeout must be a duration .*, not "10000"\n/)
  })

  test('refuses an option that there is none of, and lists all there are', () => {
    const names = Object.values(OPTIONS).map(flagName)
    expect(complaint({ databaseUrl: 'postgres://db/app', drainTimeoutMs: 1 })).toBe(
      `startHookd() has no option "drainTimeoutMs"; known: ${names.join(', ')}.`,
    )
  })

  test('does not look at the environment', () => {
    process.env['HOOKD_SLOT'] = 'A-B'
    atEnd(async () => delete process.env['HOOKD_SLOT'])
    const { ready } = hookd.startHookd({ databaseUrl: 'postgres://127.0.0.1:1/app' })
    return expect(ready).rejects.toMatchObject({ name: 'HookdError', code: 'HOOKD_DATABASE_UNREACHABLE' })
  })

  test('tells a failure by "ended" as well', () => {
    const { ended } = hookd.startHookd({ databaseUrl: 'postgres://127.0.0.1:1/app' })
    return expect(ended).rejects.toMatchObject({ code: 'HOOKD_DATABASE_UNREACHABLE' })
  })
})

describe('the built package', () => {
  let folder = ''

  beforeAll(() => {
    const built = run(TSC, ['-p', 'tsconfig.build.json'], ROOT)
    if (built.status !== 0) throw new Error(`npm run build fails:\n${built.output}`)
    folder = mkdtempSync(join(tmpdir(), 'hookd-consumer-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(ROOT, join(folder, 'node_modules', 'hookd'), 'dir')
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    return () => rmSync(folder, { recursive: true })
  }, 30_000)

  test('can be imported by its name', () => {
    writeFileSync(join(folder, 'consumer.js'), `import * as hookd from 'hookd'\nconsole.log(Object.keys(hookd).join())`)
    const output = 'HookdError,WebhookVerificationError,startHookd,verify\n'
    expect(run(process.execPath, ['consumer.js'], folder)).toEqual({ status: 0, output })
  })

  test('has types that need no other package', () => {
    writeFileSync(
      join(folder, 'consumer.ts'),
      `import { HookdError, startHookd, verify, WebhookVerificationError } from 'hookd'
       import type { Log, ReadyHookd, RunningHookd, StartOptions, VerifiedWebhook, VerifyOptions } from 'hookd'
       import type { ReceivedHeaders, ReceivedWebhook, VerificationFailure } from 'hookd'
       export const options: StartOptions = { databaseUrl: 'postgres://db/app', listen: '127.0.0.1:0' }
       export const daemon = (log: Log): RunningHookd => startHookd({ ...options, log })
       export const ready = (running: RunningHookd): Promise<ReadyHookd | null> => running.ready
       export const code = (error: unknown): string => (error instanceof HookdError ? error.code : '')
       export const why = (error: WebhookVerificationError): VerificationFailure => error.code
       export function receive(headers: ReceivedHeaders, body: string, how: VerifyOptions): VerifiedWebhook {
         const request: ReceivedWebhook = { headers, body }
         return verify(request, 'a secret of sixteen', how)
       }`,
    )
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--noEmit']
    const target = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022', '--types', '']
    const found = run(TSC, [...strict, ...target, '--preserveSymlinks', 'consumer.ts'], folder)
    expect(found).toEqual({ status: 0, output: '' })
  })
})

function complaint(options: object): string {
  try {
    hookd.startHookd(options as hookd.StartOptions)
  } catch (error) {
    if (error instanceof hookd.HookdError && error.code === 'HOOKD_BAD_OPTION') return error.message
    throw error
  }
  return 'none'
}

function run(program: string, args: readonly string[], cwd: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}
