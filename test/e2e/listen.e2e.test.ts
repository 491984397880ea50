import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { runCommand } from '../support/command.ts'
import { startHookd } from '../support/hookd.ts'
import { startReceiver } from '../support/receiver.ts'

const SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='
const BODY = '{"event":"article.created","data":{"price":1.10}}'

function bodyFile(text = BODY): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookd-cli-'))
  atEnd(() => Promise.resolve(rmSync(folder, { recursive: true })))
  const file = join(folder, 'body')
  writeFileSync(file, text)
  return file
}

async function signedHeaders(file: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await runCommand(['sign', '--file', file, ...args], { env: { HOOKD_SECRET: SECRET } })
  return stdout.trim().split('\n')
}

test('sign prints the headers, byte for byte', async () => {
  const { stdout, code } = await runCommand(['sign', '--file', bodyFile('MSG'), '--id', 'msg_1', '--timestamp', '1'], {
    env: { HOOKD_SECRET: 'KEY' },
  })
  expect(code).toBe(0)
  expect(stdout).toBe(
    'Hook-HMAC: NoW4PnbIMVpqi579pkYHK2uiHnILE/kWwJ6U+89ZOxg=\n' +
      'webhook-id: msg_1\n' +
      'webhook-timestamp: 1\n' +
      'webhook-signature: v1,Ha8/TR6XY+AC4Dfjp40C6D3NKNLWG+rsXhNrFF+PpyE=\n',
  )
})

test('verify accepts what sign made, and exits 1 for another body, secret or time', async () => {
  const [file, env] = [bodyFile(), { HOOKD_SECRET: SECRET }]
  const headers = (await signedHeaders(file)).flatMap((line) => ['--header', line])
  const good = await runCommand(['verify', '--file', file, ...headers], { env })
  expect(good).toMatchObject({ code: 0, stdout: expect.stringMatching(/^valid: webhook-signature, msg_/) })

  const old = (await signedHeaders(file, '--timestamp', '1700000000')).flatMap((line) => ['--header', line])
  const bad = await Promise.all([
    runCommand(['verify', '--file', bodyFile(`${BODY} `), ...headers], { env }),
    runCommand(['verify', '--file', file, ...headers], { env: { HOOKD_SECRET: 'another secret' } }),
    runCommand(['verify', '--file', file, ...old], { env }),
  ])
  for (const { code, stdout } of bad) expect([code, stdout.slice(0, 9)]).toEqual([1, 'invalid: '])
})

test('a secret on the command line works, is warned of, and leaves the process list', async () => {
  const hookd = startHookd({ args: ['listen', '--port', '0', '--secret', SECRET] })
  await hookd.waitForOutput(/listening on/)
  expect(hookd.stderr()).toMatch(/^warning: other users of this machine could see the secret/)
  const title = execFileSync('ps', ['-o', 'args=', '-p', String(hookd.pid)], { encoding: 'utf8' })
  expect(title).toContain('--secret ***')
  expect(title).not.toContain(SECRET)
})

test('listen verifies and prints each webhook, answers as told, and ends after --count', async () => {
  const hookd = startHookd({
    args: ['listen', '--port', '0', '--count', '3', '--status', '503,200'],
    env: { HOOKD_SECRET: SECRET },
  })
  const [, url = ''] = await hookd.waitForOutput(/listening on (http:\S+)/)
  const file = bodyFile()
  const signature = Object.fromEntries((await signedHeaders(file)).map((line) => line.split(': ') as [string, string]))
  const post = (headers: Record<string, string>) =>
    fetch(url, { method: 'POST', body: BODY, headers: { 'content-type': 'application/json', ...headers } })
  const answers = [
    await post({ ...signature, 'Hook-Event': 'article.created' }),
    await post(signature),
    await post({ ...signature, 'webhook-id': 'msg_other' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([503, 200, 401])
  expect(await hookd.exit).toMatchObject({ code: 1 }) // one was not signed rightly
  expect(hookd.stdout()).toMatch(/article\.created {2}answered 503 {2}verified/)
  expect(hookd.stdout()).toContain('"data": { "price": 1.10 }')
  expect(hookd.stdout()).toMatch(/answered 401 {2}webhook-signature does not match/)
})

test('listen ends with 0 on SIGTERM', async () => {
  const hookd = startHookd({ args: ['listen', '--port', '0'] })
  await hookd.waitForOutput(/listening on/)
  hookd.kill('SIGTERM')
  expect(await hookd.exit).toEqual({ code: 0, signal: null })
})

test('a port in use is one sentence', async () => {
  const taken = await startReceiver()
  const { code, stderr } = await runCommand(['listen', '--port', String(taken.port)])
  expect([code, stderr]).toEqual([
    1,
    `error: port ${taken.port} of 127.0.0.1 is in use by another program; choose another with --port, or 0 for a free one.\n`,
  ])
})

test('wrong usage exits 2', async () => {
  const ran = await Promise.all([
    runCommand(['evnts']),
    runCommand(['run', '--slott', 'a']),
    runCommand(['sign', '--file', bodyFile()]),
    runCommand(['verify', '--file', bodyFile()], { env: { HOOKD_SECRET: SECRET } }),
  ])
  expect(ran.map(({ code }) => code)).toEqual([2, 2, 2, 2])
  expect(await runCommand(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  expect(await runCommand(['help', 'run'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--database-url'),
  })
})
