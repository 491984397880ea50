import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { DEFAULT_DELIVERY, withOptions } from '../../../src/config/delivery-settings.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { resolveOptions } from '../../../src/config/options.ts'

const folder = mkdtempSync(join(tmpdir(), 'hookd-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

test('a good file is loaded, also behind a byte order mark', async () => {
  const path = file('good.yaml', '\uFEFFevents: { a.b: { manual: true } }\n')
  expect((await loadConfig(path, { catalog: null })).events).toMatchObject([{ declaredName: 'a.b', manual: true }])
})

test('a file with problems is refused with all of them', async () => {
  const path = file('bad.yaml', 'events: { a.b: { manual: 1, lable: x } }\n')
  await expect(loadConfig(path, { catalog: null })).rejects.toMatchObject({
    name: 'HookdError',
    code: 'HOOKD_CONFIG_INVALID',
    message: expect.stringMatching(
      /^.*bad\.yaml:1:26 {2}.*\n[^]*unknown key "lable"[^]*\n\n2 problems in .*bad\.yaml$/,
    ),
  })
})

test('a file that is not there is answered with the command that writes one', async () => {
  await expect(loadConfig(join(folder, 'none.yaml'), { catalog: null })).rejects.toMatchObject({
    code: 'HOOKD_CONFIG_NOT_FOUND',
    message: expect.stringContaining('run "hookd init"'),
  })
})

test('bytes that are not UTF-8, and a folder, are refused as unreadable', async () => {
  const path = file('latin1.yaml', Uint8Array.of(0x61, 0x3a, 0x20, 0xe9))
  await expect(loadConfig(path, { catalog: null })).rejects.toMatchObject({
    code: 'HOOKD_CONFIG_UNREADABLE',
    message: expect.stringContaining('it is not UTF-8 text'),
  })
  await expect(loadConfig(folder, { catalog: null })).rejects.toMatchObject({ code: 'HOOKD_CONFIG_UNREADABLE' })
})

test('an option that was given beats the file', () => {
  const fromFile = { ...DEFAULT_DELIVERY, maxPayloadBytes: 2048, retentionMs: 60_000 }
  expect(withOptions(fromFile, resolveOptions({}, {}))).toEqual(fromFile)
  expect(withOptions(fromFile, resolveOptions({ maxPayload: '4KiB' }, { HOOKD_RETENTION: '1d' }))).toEqual({
    ...fromFile,
    maxPayloadBytes: 4096,
    retentionMs: 86_400_000,
  })
})
