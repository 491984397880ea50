import type { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait.ts'
import { aClosedPort, aRawServer, aRequest, aSender, aServerSaying, gist } from './endpoints.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('a closed port is refused', async () => {
  expect(gist(await aSender().send(aRequest(`http://127.0.0.1:${await aClosedPort()}/`)))).toBe('refused')
})

test.each<[string, (socket: Socket) => void]>([
  ['closes before it reads', (socket) => socket.end()],
  ['closes instead of answering', (socket) => socket.once('data', () => socket.end())],
  ['resets instead of answering', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ['closes within the status line', (socket) => socket.once('data', () => socket.end('HTTP/1.1 20'))],
  ['closes within the headers', (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nX-A: '))],
])('an endpoint that %s is a reset', async (_, behave) => {
  const server = await aRawServer(behave)
  const answer = await aSender().send(aRequest(server.url))
  expect(answer).toMatchObject({ failure: 'reset', message: 'the connection was closed before an answer came' })
})

test.each<[string, string]>([
  ['an SSH banner', 'SSH-2.0-OpenSSH_9.6\r\n'],
  ['garbage', '\0\x01\x02garbage\r\n\r\n'],
  ['HTTP/0.9', '<html>hello</html>'],
  ['an HTTP/2 preface', '\0\0\x12\x04\0\0\0\0\0'],
  ['a header without a colon', 'HTTP/1.1 200 OK\r\nbad header\r\n\r\n'],
  ['a NUL within a header', 'HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n'],
  [
    'chunks that also have a length',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  ],
  ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!'],
  ['headers beyond 16 KiB', `HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`],
  ['10,000 headers', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(10_000)}\r\n`],
  ['a 100 that nobody asked for', `HTTP/1.1 100 Continue\r\n\r\n${OK}`],
  ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
])('%s is a bad response', async (_, answer) => {
  const server = await aServerSaying(answer)
  expect(gist(await aSender().send(aRequest(server.url)))).toBe('bad_response')
})

test.each<[string, string, string]>([
  ['a body cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok', 'ok'],
  ['a bad chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n', 'ok'],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 'ok'],
  ['bytes after its body', `${OK}HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n`, 'ok'],
  ['a body until the end', 'HTTP/1.1 200 OK\r\n\r\nok', 'ok'],
  [
    'two hundred layers of compression',
    `HTTP/1.1 200 OK\r\n${'Content-Encoding: gzip\r\n'.repeat(200)}${OK.slice(17)}`,
    'ok',
  ],
  ['headers that are no ASCII', OK.replace('\r\n', '\r\nX-A: \xff\xed\xa0\x80\r\n'), 'ok'],
  ['early hints before it', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`, 'ok'],
])('an answer with %s counts by its status', async (_, answer, body) => {
  const server = await aRawServer((socket) => {
    socket.once('data', () => {
      socket.write(answer)
      setImmediate(() => socket.end())
    })
  })
  const sender = aSender()
  expect(await sender.send(aRequest(server.url))).toMatchObject({ status: 200, body: Buffer.from(body) })
  expect(await sender.send(aRequest(server.url))).toMatchObject({ status: 200, body: Buffer.from(body) })
  expect(server.connections).toHaveLength(2)
})

test('bytes after a body are never taken for the next answer', async () => {
  const server = await aServerSaying(`${OK}HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n`)
  const sender = aSender()
  for (let at = 0; at < 5; at++) expect(gist(await sender.send(aRequest(server.url)))).toBe('200')
})

test.each<[string, (socket: Socket) => void]>([
  ['reads and never answers', (socket) => socket.resume()],
  ['drips its headers', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX-A: ', 'x')],
  ['sends informational answers for ever', (socket) => drip(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n')],
])('an endpoint that %s runs into the deadline', async (_, behave) => {
  const server = await aRawServer(behave)
  const answer = await aSender().send(aRequest(server.url, { timeoutMs: 60, body: Buffer.alloc(8_000_000) }))
  expect(answer).toMatchObject({ failure: 'timeout', message: expect.stringContaining('within 60 ms') })
  expect(answer.durationMs).toBeGreaterThanOrEqual(60)
  await waitFor(() => server.connections[0]?.destroyed, { what: 'the socket to be cut' })
})

test('an endpoint that never reads runs into the deadline', async () => {
  const server = await aRawServer((socket) => socket.pause())
  const answer = await aSender().send(aRequest(server.url, { timeoutMs: 60, body: Buffer.alloc(8_000_000) }))
  expect(answer).toMatchObject({ failure: 'timeout', message: 'no answer came within 60 ms' })
})

test.each([200, 500])(
  'a dripping body with status %i runs into the deadline and counts by its status',
  async (status) => {
    const server = await aRawServer((socket) =>
      drip(socket, `HTTP/1.1 ${status} X\r\nContent-Length: 100\r\n\r\n`, 'x'),
    )
    const answer = await aSender().send(aRequest(server.url, { timeoutMs: 500 }))
    expect(answer).toMatchObject({ kind: 'response', status })
  },
)

function drip(socket: Socket, head: string, drop: string): void {
  socket.once('data', () => {
    socket.write(head)
    const timer = setInterval(() => socket.write(drop), 5)
    socket.on('close', () => clearInterval(timer))
  })
}

test('a clock that is set means nothing for a deadline', async () => {
  const server = await aRawServer((socket) => {
    socket.once('data', () => {
      vi.setSystemTime(Date.now() + 24 * 3_600_000)
      setTimeout(() => {
        vi.setSystemTime(0)
        setTimeout(() => socket.write(OK), 20)
      }, 20)
    })
  })
  vi.useFakeTimers({ toFake: ['Date'] })
  atEnd(() => Promise.resolve(vi.useRealTimers()))
  const answer = await aSender().send(aRequest(server.url))
  expect(answer).toMatchObject({ status: 200 })
  expect(answer.durationMs).toBeGreaterThanOrEqual(35)
  expect(answer.durationMs).toBeLessThan(5000)
})

test('an early 413 is heard while the body is still on its way', async () => {
  const server = await aRawServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
  })
  expect(gist(await aSender().send(aRequest(server.url, { body: Buffer.alloc(8_000_000) })))).toBe('413')
})

/** Answers the first request of a connection and does something else to the second. */
function onSecondRequest(behave: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => {
    let count = 0
    socket.on('data', () => (count++ === 0 ? socket.write(OK) : behave(socket)))
  }
}

test.each<[string, (socket: Socket) => void]>([
  ['closed', (socket) => socket.end()],
  ['reset', (socket) => socket.resetAndDestroy()],
])('a kept connection that is %s before any answer is dialled again once, unseen', async (_, behave) => {
  const server = await aRawServer(onSecondRequest(behave))
  const redials: string[] = []
  const sender = aSender({ onRedial: (host) => redials.push(host) })
  expect(gist(await sender.send(aRequest(server.url)))).toBe('200')
  expect(gist(await sender.send(aRequest(server.url)))).toBe('200')
  expect(redials).toEqual(['127.0.0.1'])
  expect(server.connections).toHaveLength(2)
})

test('a second failure on the new connection counts', async () => {
  const server = await aRawServer((socket, index) => {
    if (index === 0) onSecondRequest((first) => first.end())(socket)
    else socket.end()
  })
  const sender = aSender()
  await sender.send(aRequest(server.url))
  expect(gist(await sender.send(aRequest(server.url)))).toBe('reset')
  expect(server.connections).toHaveLength(2)
})

test('a kept connection that breaks within an answer is not dialled again', async () => {
  const server = await aRawServer(onSecondRequest((socket) => socket.end('HTTP/1.1 20')))
  const sender = aSender()
  await sender.send(aRequest(server.url))
  expect(gist(await sender.send(aRequest(server.url)))).toBe('reset')
  expect(server.connections).toHaveLength(1)
})

test('a new connection that is closed without an answer is not dialled again', async () => {
  const server = await aRawServer((socket) => socket.once('data', () => socket.end()))
  await aSender().send(aRequest(server.url))
  expect(server.connections).toHaveLength(1)
})

test('a connection that the endpoint closes while idle is not used again', async () => {
  const server = await aRawServer((socket) => {
    socket.once('data', () => {
      socket.write(OK)
      socket.end()
    })
  })
  const redials: string[] = []
  const sender = aSender({ onRedial: (host) => redials.push(host) })
  for (let at = 0; at < 3; at++) {
    expect(gist(await sender.send(aRequest(server.url)))).toBe('200')
    await waitFor(() => server.connections[at]?.destroyed, { what: 'the connection to end' })
  }
  expect(server.connections).toHaveLength(3)
})

test('one endpoint that hangs delays no other', async () => {
  const hanging = await aRawServer(() => {})
  const healthy = await aServerSaying(OK)
  const sender = aSender({ socketsPerOrigin: 2 })
  const stuck = Array.from({ length: 10 }, () => sender.send(aRequest(hanging.url, { timeoutMs: 1000 })))
  const startedAt = performance.now()
  for (let at = 0; at < 50; at++) expect(gist(await sender.send(aRequest(healthy.url)))).toBe('200')
  expect(performance.now() - startedAt).toBeLessThan(1000)
  await sender.close()
  expect(new Set((await Promise.all(stuck)).map(gist))).toEqual(new Set(['internal']))
})

test('a flood of requests to an endpoint that answers only just in time delays no other', async () => {
  const slow = await aRawServer((socket) => socket.on('data', () => setTimeout(() => socket.write(OK), 40)))
  const healthy = await aServerSaying(OK)
  const sender = aSender({ socketsPerOrigin: 4 })
  let answered = 0
  const flood = Array.from({ length: 80 }, async () => {
    const answer = await sender.send(aRequest(slow.url, { timeoutMs: 400 }))
    answered++
    return gist(answer)
  })
  for (let at = 0; at < 20; at++) expect(gist(await sender.send(aRequest(healthy.url)))).toBe('200')
  expect(answered).toBeLessThan(80)
  expect(new Set(await Promise.all(flood))).toEqual(new Set(['200']))
  expect(slow.connections).toHaveLength(4)
})
