import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Lease } from '../../../src/delivery/lease.ts'
import { SenderThreads } from '../../../src/delivery/sender-threads.ts'
import { defaultSenders } from '../../../src/daemon/senders.ts'
import { atEnd } from '../../support/at-end.ts'
import { startReceiver } from '../../support/receiver.ts'
import { waitFor } from '../../support/wait.ts'
import { PUBLIC, aRawServer, aRequest, aSender, gist } from './endpoints.ts'

const LONG_MS = 60_000

let redials = 0

function threads(count: number, lease = aLease()): SenderThreads {
  const sender = new SenderThreads(count, { lease, onRedial: () => redials++ })
  atEnd(() => sender.close())
  return sender
}

function aLease(forMs = LONG_MS): Lease {
  const lease = new Lease()
  lease.extend(forMs)
  return lease
}

describe('sending threads', () => {
  test('send each request as it was given, and bring each its own answer', async () => {
    const receiver = await startReceiver(({ body }) => ({ status: 200, body: `seen ${body.toString()}` }))
    const sender = threads(2)
    const bodies = Array.from({ length: 50 }, (_, at) => `body ${at} é`)
    const answers = await Promise.all(
      bodies.map((body) => sender.send(aRequest(receiver.url, { body: Buffer.from(body) }))),
    )
    const texts = answers.map((answer) => (answer.kind === 'response' ? answer.body.toString() : answer.message))
    expect(texts).toEqual(bodies.map((body) => `seen ${body}`))
    expect(receiver.requests.map(({ body }) => body.toString()).toSorted()).toEqual(bodies.toSorted())
  })

  test('keep the connections of one origin together, whatever the path, and share origins out', async () => {
    const sender = threads(2)
    const servers = await Promise.all(
      Array.from({ length: 4 }, () =>
        aRawServer((socket) => socket.on('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'))),
      ),
    )
    for (const path of ['a', 'b', 'c']) {
      for (const { url } of servers) expect(gist(await sender.send(aRequest(url + path)))).toBe('204')
    }
    expect(servers.map(({ connections }) => connections.length)).toEqual([1, 1, 1, 1])
  })

  test('judge recipients by the policy of each request', async () => {
    const receiver = await startReceiver()
    const sender = threads(1)
    const answers = await Promise.all([
      sender.send(aRequest(receiver.url, { recipients: PUBLIC })),
      sender.send(aRequest(receiver.url)),
      sender.send(aRequest(receiver.url, { recipients: { ...PUBLIC, ports: 'any' } })),
    ])
    expect(answers.map(gist)).toEqual(['bad_url', '200', 'blocked_address'])
    expect(receiver.requests).toHaveLength(1)
  })

  test('dial again where a kept connection had gone stale, and tell', async () => {
    const server = await aRawServer((socket) => {
      let count = 0
      socket.on('data', () => (count++ === 0 ? socket.write('HTTP/1.1 204 No Content\r\n\r\n') : socket.destroy()))
    })
    const sender = threads(1)
    expect(gist(await sender.send(aRequest(server.url)))).toBe('204')
    expect(gist(await sender.send(aRequest(server.url)))).toBe('204')
    expect([server.connections.length, redials]).toEqual([2, 1])
  })

  test('send nothing without a lease, and go on with a new one', async () => {
    const receiver = await startReceiver()
    const lease = aLease()
    const sender = threads(1, lease)
    expect(gist(await sender.send(aRequest(receiver.url)))).toBe('200')
    lease.revoke()
    expect(gist(await sender.send(aRequest(receiver.url)))).toBe('internal')
    lease.extend(1)
    await sleep(2)
    expect(gist(await sender.send(aRequest(receiver.url)))).toBe('internal')
    lease.extend(LONG_MS)
    expect(gist(await sender.send(aRequest(receiver.url)))).toBe('200')
    expect(receiver.requests).toHaveLength(2)
  })

  test('end what is in flight, and refuse what comes later, when they are closed', async () => {
    const server = await aRawServer(() => undefined)
    const sender = threads(1)
    const pending = sender.send(aRequest(server.url))
    await waitFor(() => server.connections.length === 1, { what: 'a connection' })
    await sender.close()
    expect(gist(await pending)).toBe('internal')
    expect(gist(await sender.send(aRequest(server.url)))).toBe('internal')
    await sender.close()
  })
})

test('a request that waits for a connection is held back when the lease has gone meanwhile', async () => {
  const released = Promise.withResolvers<void>()
  const receiver = await startReceiver(async () => {
    await released.promise
    return 200
  })
  const lease = aLease()
  const sender = aSender({ socketsPerOrigin: 1, mayStart: () => lease.isValid })
  const first = sender.send(aRequest(receiver.url))
  const second = sender.send(aRequest(receiver.url))
  await waitFor(() => receiver.requests.length === 1, { what: 'the first request' })
  lease.revoke()
  released.resolve()
  expect([gist(await first), gist(await second)]).toEqual(['200', 'internal'])
  expect(receiver.requests).toHaveLength(1)
})

test.each([
  [1, 0],
  [2, 0],
  [3, 1],
  [4, 2],
  [8, 4],
  [64, 4],
])('a machine with %i cores sends with %i threads', (cores, senders) => {
  expect(defaultSenders(cores)).toBe(senders)
})
