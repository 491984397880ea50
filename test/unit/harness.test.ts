import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { beforeAll, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { guard } from '../support/guard.ts'
import { freePort } from '../support/ports.ts'
import { startReceiver, type Receiver } from '../support/receiver.ts'
import { waitFor } from '../support/wait.ts'

let ofTheFile: Receiver
let ofTheFirstTest: Receiver

beforeAll(async () => {
  ofTheFile = await startReceiver()
})

test('a receiver records requests in order and answers what its handler says', async () => {
  ofTheFirstTest = await startReceiver((request, index) => (index === 0 ? 500 : { status: 202, body: request.body }))
  expect((await fetch(ofTheFirstTest.url)).status).toBe(500)
  const answer = await fetch(`${ofTheFirstTest.url}hook?a=1`, {
    method: 'POST',
    body: 'ü',
    headers: { 'X-Case': 'kept' },
  })
  expect([answer.status, await answer.text()]).toEqual([202, 'ü'])
  expect(await ofTheFirstTest.waitFor(2)).toMatchObject([{ method: 'GET', path: '/' }, { method: 'POST' }])
  const posted = await ofTheFirstTest.waitFor((request) => request.path === '/hook?a=1')
  expect(posted.body).toEqual(Buffer.from('ü'))
  expect(posted.headers['x-case']).toBe('kept')
})

test('what a test started ends with it; what beforeAll started ends with the file', async () => {
  await expect(fetch(ofTheFirstTest.url)).rejects.toThrow('fetch failed')
  expect((await fetch(ofTheFile.url)).status).toBe(200)
})

test('a receiver that is closed cuts requests that hang, and may come back on its port', async () => {
  const receiver = await startReceiver(() => new Promise<number>(() => {}))
  const hanging = fetch(receiver.url).catch(String)
  await receiver.waitFor(1)
  await receiver.close()
  expect(await hanging).toBe('TypeError: fetch failed')
  const { port } = await startReceiver(() => 204, { port: receiver.port })
  expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(204)
})

test('waiting in vain fails with a sentence and the last error', async () => {
  const cause = new Error('not there')
  const wait = waitFor(() => Promise.reject(cause), { what: 'the row', timeoutMs: 30 })
  await expect(wait).rejects.toMatchObject({ message: 'waited 30 ms for the row, in vain', cause })
})

test('a guard cleans up when it is told to, and never once it is cancelled', async () => {
  const [first, second] = [folder(), folder()]
  await guard('rmdir "$1"', [first]).run()
  const cancelled = guard('rmdir "$1"', [second])
  cancelled.cancel()
  await cancelled.run()
  expect([existsSync(first), existsSync(second)]).toEqual([false, true])
})

test('a free port lies below those of outgoing connections', async () => {
  expect(await freePort()).toBeLessThan(32_768)
})

test('bin/hookd.js refuses an old Node with a sentence', () => {
  const program = new URL('../../bin/hookd.js', import.meta.url)
  const old = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'22.18.0'})`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', old, program.pathname], {
    encoding: 'utf8',
  })
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: 'hookd needs Node.js 22.19 or newer; this is 22.18.0. Install the current LTS version.\n',
  })
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'hookd-test-'))
  atEnd(() => Promise.resolve(spawnSync('rm', ['-rf', path])))
  return path
}
