import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { describe, expect, test, vi } from 'vitest'
import { dial } from '../../../src/delivery/dial.ts'
import type { Target } from '../../../src/delivery/recipients.ts'
import type { RecipientPolicy } from '../../../src/matching/event.ts'
import { atEnd } from '../../support/at-end.ts'
import { startReceiver } from '../../support/receiver.ts'
import { waitFor } from '../../support/wait.ts'
import { aDeafPort } from './deaf-port.ts'
import { aDnsServer } from './dns-server.ts'
import { ANYWHERE, PUBLIC, aClosedPort, aRawServer, aRequest, aSender, gist } from './endpoints.ts'

function aTarget(port: number, overrides: Partial<Target> = {}): Target {
  const origin = `http://example.com:${port}`
  return { secure: false, host: 'example.com', isAddress: false, port, origin, path: '/', ...overrides }
}

async function dialAt(addresses: readonly string[], target: Target, policy = ANYWHERE): Promise<Socket> {
  const socket = await dial(target, policy, {
    resolve: () => Promise.resolve(addresses),
    connectTimeoutMs: 2000,
    secureContext: () => createSecureContext(),
    signal: new AbortController().signal,
  })
  atEnd(() => Promise.resolve(socket.destroy()))
  return socket
}

/** An address of the loopback network where the server does not listen. */
const ELSEWHERE = '127.0.0.9'

test('the address that was judged is the one that is dialled', async () => {
  const server = await aRawServer(() => {})
  const socket = await dialAt(['127.0.0.1'], aTarget(server.port))
  expect(socket.remoteAddress).toBe('127.0.0.1')
})

test('where one address refuses, the next one is dialled', async () => {
  const server = await aRawServer(() => {})
  const socket = await dialAt([ELSEWHERE, '127.0.0.1'], aTarget(server.port))
  expect(socket.remoteAddress).toBe('127.0.0.1')
})

test('where all refuse, the failure says so', async () => {
  const port = await aClosedPort()
  await expect(dialAt(['127.0.0.1', ELSEWHERE], aTarget(port))).rejects.toMatchObject({
    failure: 'refused',
    message: `the connection was refused (example.com:${port})`,
  })
})

test('a connection that breaks later makes nobody dial the addresses that were left', async () => {
  const server = await aRawServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
  const socket = await dialAt(['127.0.0.1', '127.0.0.1', '127.0.0.1'], aTarget(server.port))
  socket.resume().write('x')
  await waitFor(() => socket.closed, { what: 'the reset' })
  await new Promise((resolve) => setImmediate(resolve))
  expect(server.connections).toHaveLength(1)
})

test('of a thousand addresses eight are dialled', async () => {
  const server = await aRawServer(() => {})
  const many = Array.from({ length: 1000 }, () => ELSEWHERE)
  const socket = await dialAt([...many.slice(0, 7), '127.0.0.1', ...many], aTarget(server.port))
  expect(socket.remoteAddress).toBe('127.0.0.1')
  await expect(dialAt([...many.slice(0, 8), '127.0.0.1'], aTarget(server.port))).rejects.toThrow('refused')
})

test.each<[string, readonly string[], Partial<Target>]>([
  ['a name of one bad address', ['127.0.0.1'], {}],
  ['a name with one bad address among good ones', ['8.8.8.8', '127.0.0.1', '1.1.1.1'], {}],
  ['a name with a bad address beyond the eighth', [...Array.from({ length: 20 }, () => '8.8.8.8'), '127.0.0.1'], {}],
  ['an address in the URL', [], { host: '127.0.0.1', isAddress: true }],
  ['a mapped address in the URL', [], { host: '::ffff:7f00:1', isAddress: true }],
])('%s is never dialled', async (_, addresses, overrides) => {
  const server = await aRawServer(() => {})
  await expect(dialAt(addresses, aTarget(server.port, overrides), PUBLIC)).rejects.toMatchObject({
    failure: 'blocked_address',
  })
  expect(server.connections).toEqual([])
})

test('an abort cuts the dial', async () => {
  const abort = new AbortController()
  const options = { connectTimeoutMs: 1000, secureContext: () => createSecureContext(), signal: abort.signal }
  const resolve = () => {
    abort.abort(new Error('enough'))
    return Promise.resolve(['127.0.0.1'])
  }
  await expect(dial(aTarget(1), ANYWHERE, { ...options, resolve })).rejects.toThrow('enough')
})

async function aHostsFile(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hookd-hosts-'))
  atEnd(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'hosts')
  await writeFile(path, text)
  return path
}

test('a name that turns to a private address after it was accepted is refused at send', async () => {
  const receiver = await startReceiver()
  const policy: RecipientPolicy = { ...PUBLIC, ports: 'any' }
  const zone = { 'rebind.example': { v4: ['127.0.0.1'], ttl: 0 } }
  const { address } = await aDnsServer(zone)
  const sender = aSender({ dns: { servers: [address], hostsFile: '/nowhere' } })
  const url = `http://rebind.example:${receiver.port}/`
  expect(await sender.send(aRequest(url, { recipients: policy }))).toMatchObject({
    failure: 'blocked_address',
    message: 'rebind.example resolves to what "recipients" does not allow: it is a loopback address',
  })
  expect(receiver.requests).toEqual([])
})

test('an answer of DNS that turns from a good to a bad address is judged anew for every connection', async () => {
  const receiver = await startReceiver()
  const policy: RecipientPolicy = { ...PUBLIC, ports: 'any', allowCidrs: ['127.0.0.1/32'] }
  const zone = { 'rebind.example': { v4: ['127.0.0.1'], ttl: 0 } }
  const { address } = await aDnsServer(zone)
  const sender = aSender({ dns: { servers: [address], hostsFile: '/nowhere' } })
  const request = aRequest(`http://rebind.example:${receiver.port}/`, { recipients: policy, keepAlive: false })
  expect(gist(await sender.send(request))).toBe('200')
  zone['rebind.example'].v4 = ['127.0.0.1', '127.0.0.2']
  const now = performance.now.bind(performance)
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000) // beyond what names are kept
  atEnd(() => Promise.resolve(clock.mockRestore()))
  expect(gist(await sender.send(request))).toBe('blocked_address')
  expect(receiver.requests).toHaveLength(1)
})

test.each(['intranet', 'printer.local', 'db.internal', '10.0.0.1.nip.example', 'metadata.example'])(
  'the name %s is refused for the address that it has',
  async (name) => {
    const { address } = await aDnsServer({
      [name]: { v4: [name === 'metadata.example' ? '169.254.169.254' : '10.0.0.1'] },
    })
    const sender = aSender({ dns: { servers: [address], hostsFile: '/nowhere' } })
    const answer = await sender.send(aRequest(`http://${name}/`, { recipients: PUBLIC }))
    expect(answer).toMatchObject({ failure: 'blocked_address' })
  },
)

describe('a host that answers no SYN', () => {
  test('runs into the connect timeout', async () => {
    const port = await aDeafPort()
    const answer = await aSender({ connectTimeoutMs: 150 }).send(aRequest(`http://127.0.0.1:${port}/`))
    expect(answer).toMatchObject({
      failure: 'connect_timeout',
      message: 'no connection to 127.0.0.1 came about within 150 ms',
    })
  })

  test('does not keep the next address of a name waiting', async () => {
    const port = await aDeafPort()
    const server = await aRawServer(() => {}, { host: ELSEWHERE, port })
    const socket = await dialAt(['127.0.0.1', ELSEWHERE], aTarget(port))
    expect(socket.remoteAddress).toBe(ELSEWHERE)
    expect(server.connections).toHaveLength(1)
  })
})

test('a connection that one policy allows does not serve another policy', async () => {
  const receiver = await startReceiver()
  const sender = aSender({ dns: { hostsFile: await aHostsFile('127.0.0.1 shared.example') } })
  const url = `http://shared.example:${receiver.port}/`
  expect(gist(await sender.send(aRequest(url)))).toBe('200')
  const strict: RecipientPolicy = { ...PUBLIC, ports: 'any' }
  expect(gist(await sender.send(aRequest(url, { recipients: strict })))).toBe('blocked_address')
  expect(gist(await sender.send(aRequest(url, { recipients: { ...ANYWHERE } })))).toBe('200')
  expect(receiver.requests).toHaveLength(2)
})

test('localhost is dialled on whichever address listens', async () => {
  const receiver = await startReceiver()
  expect(gist(await aSender().send(aRequest(`http://localhost:${receiver.port}/`)))).toBe('200')
  expect(receiver.requests[0]?.headers.host).toBe(`localhost:${receiver.port}`)
})

test.each([
  ['dns_error', 'a name that does not exist', {}, 5000],
  ['timeout', 'a name whose answer is slower than the deadline', { 'slow.example': { silent: true as const } }, 100],
])('%s: %s', async (failure, _, zone, timeoutMs) => {
  const { address } = await aDnsServer(zone)
  const sender = aSender({ dns: { servers: [address], hostsFile: '/nowhere', system: () => Promise.resolve([]) } })
  expect(gist(await sender.send(aRequest('http://slow.example/', { timeoutMs })))).toBe(failure)
})
