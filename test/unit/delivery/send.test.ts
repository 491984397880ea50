import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { startReceiver } from '../../support/receiver.ts'
import { ANYWHERE, PUBLIC, aClosedPort, aRawServer, aRequest, aSender, gist } from './endpoints.ts'

test('a request arrives as it was given, with Host and Content-Length', async () => {
  const receiver = await startReceiver(() => 201)
  const url = `${receiver.url}a%20b/c?x=1&y=%C3%BC#part`
  const answer = await aSender().send(aRequest(url, { headers: ['X-A', '1', 'hook-event', 'e'] }))
  expect(answer).toMatchObject({ kind: 'response', status: 201, retryAfter: null, location: null })
  expect(answer.durationMs).toBeGreaterThan(0)
  const [request] = receiver.requests
  expect(request).toMatchObject({ method: 'POST', path: '/a%20b/c?x=1&y=%C3%BC' })
  expect(request?.rawHeaders).toEqual(
    ['host', `127.0.0.1:${receiver.port}`, 'connection', 'keep-alive', 'X-A', '1', 'hook-event', 'e'].concat(
      'content-length',
      '27',
    ),
  )
  expect(request?.body.toString()).toBe('{"event":"article.created"}')
})

test('an empty body is sent with its length', async () => {
  const receiver = await startReceiver()
  await aSender().send(aRequest(receiver.url, { body: Buffer.alloc(0) }))
  expect(receiver.requests[0]?.headers['content-length']).toBe('0')
})

test('URLs of one origin keep their own paths', async () => {
  const receiver = await startReceiver()
  const sender = aSender()
  for (const path of ['a', 'b?c', 'a']) await sender.send(aRequest(receiver.url + path))
  expect(receiver.requests.map(({ path }) => path)).toEqual(['/a', '/b?c', '/a'])
})

async function connectionsFor(keepAlive: boolean): Promise<number> {
  const server = await aRawServer((socket) => socket.on('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n')))
  const sender = aSender()
  for (let at = 0; at < 10; at++) {
    expect(gist(await sender.send(aRequest(server.url, { keepAlive })))).toBe('204')
  }
  return server.connections.length
}

test('ten deliveries share one connection', async () => {
  expect(await connectionsFor(true)).toBe(1)
})

test('without keepalive each has its own', async () => {
  expect(await connectionsFor(false)).toBe(10)
})

test.each([
  [300, 'gopher://127.0.0.1/'],
  [301, '/elsewhere'],
  [302, 'http://169.254.169.254/latest/meta-data/'],
  [303, ''],
  [307, 'file:///etc/passwd'],
  [308, `/${'x'.repeat(600)}`],
])('a redirect %i is not followed', async (status, location) => {
  const receiver = await startReceiver(() => ({ status, headers: { Location: location } }))
  const answer = await aSender().send(aRequest(receiver.url))
  expect(answer).toMatchObject({ status, location: location.slice(0, 500) })
  expect(receiver.requests).toHaveLength(1)
})

test('Retry-After is handed over as sent', async () => {
  const receiver = await startReceiver(() => ({ status: 503, headers: { 'Retry-After': '120' }, body: 'busy' }))
  const answer = await aSender().send(aRequest(receiver.url))
  expect(answer).toMatchObject({ status: 503, retryAfter: '120', body: Buffer.from('busy') })
})

test('16 KiB of an answer are kept, and the connection of a longer one is cut', async () => {
  const receiver = await startReceiver((_request, index) => ({
    status: 200,
    body: 'x'.repeat(index === 0 ? 16_384 : 16_385),
  }))
  const sender = aSender()
  const answers = [await sender.send(aRequest(receiver.url)), await sender.send(aRequest(receiver.url))]
  for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: Buffer.alloc(16_384, 'x') })
})

test('an endless answer is cut after 16 KiB', async () => {
  const server = await aRawServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n')
      const flood = () => {
        while (!socket.destroyed && socket.write(`2000\r\n${'x'.repeat(8192)}\r\n`));
      }
      socket.on('drain', flood)
      flood()
    })
  })
  const answer = await aSender().send(aRequest(server.url))
  expect(answer).toMatchObject({ status: 500, body: Buffer.alloc(16_384, 'x') })
})

test('a compressed answer is kept as it came', async () => {
  const bomb = gzipSync(Buffer.alloc(10_000_000))
  const receiver = await startReceiver(() => ({ status: 200, headers: { 'Content-Encoding': 'gzip' }, body: bomb }))
  const answer = await aSender().send(aRequest(receiver.url))
  expect(answer).toMatchObject({ status: 200, body: bomb.subarray(0, 16_384) })
})

test('an answer that is no text is kept byte for byte', async () => {
  const body = Buffer.from([0, 0xff, 0xfe, 0xed, 0xa0, 0x80, 10])
  const receiver = await startReceiver(() => ({ status: 200, body }))
  expect(await aSender().send(aRequest(receiver.url))).toMatchObject({ body })
})

test('cookies, Alt-Svc and HSTS of an answer change nothing', async () => {
  const headers = { 'Set-Cookie': 'a=b', 'Alt-Svc': 'h2=":443"', 'Strict-Transport-Security': 'max-age=1' }
  const receiver = await startReceiver(() => ({ status: 200, headers }))
  const sender = aSender()
  for (let at = 0; at < 2; at++) await sender.send(aRequest(receiver.url))
  expect(receiver.requests[1]?.headers).not.toHaveProperty('cookie')
  expect(receiver.requests).toHaveLength(2)
})

test('sockets to one origin are capped; the rest waits its turn, outside its deadline', async () => {
  let [now, most] = [0, 0]
  const receiver = await startReceiver(async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setTimeout(resolve, 50))
    now--
    return 200
  })
  const sender = aSender({ socketsPerOrigin: 3 })
  const sending = Array.from({ length: 30 }, () => sender.send(aRequest(receiver.url, { timeoutMs: 450 })))
  expect(new Set((await Promise.all(sending)).map(gist))).toEqual(new Set(['200']))
  expect(most).toBe(3)
})

test('requests without keepalive obey the cap too', async () => {
  let [now, most] = [0, 0]
  const server = await aRawServer((socket) => {
    most = Math.max(most, ++now)
    socket.on('close', () => now--)
    socket.on('data', () => setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')))
  })
  const sender = aSender({ socketsPerOrigin: 2 })
  const sending = Array.from({ length: 10 }, (_, at) => sender.send(aRequest(server.url, { keepAlive: at % 2 === 0 })))
  expect(new Set((await Promise.all(sending)).map(gist))).toEqual(new Set(['200']))
  expect(most).toBeLessThanOrEqual(4)
})

test('when all sockets are taken, an idle one makes room for another origin', async () => {
  const receivers = await Promise.all(Array.from({ length: 5 }, () => startReceiver()))
  const sender = aSender({ sockets: 2 })
  for (let round = 0; round < 3; round++) {
    for (const { url } of receivers) expect(gist(await sender.send(aRequest(url)))).toBe('200')
  }
  expect(receivers.map(({ requests }) => requests.length)).toEqual([3, 3, 3, 3, 3])
})

test('when all sockets are busy, origins take turns', async () => {
  const receivers = await Promise.all(Array.from({ length: 3 }, () => startReceiver()))
  const sender = aSender({ sockets: 2 })
  const sending = receivers.flatMap(({ url }) => Array.from({ length: 20 }, () => sender.send(aRequest(url))))
  const order: number[] = []
  sending.forEach((answer, at) => void answer.then(() => order.push(Math.floor(at / 20))))
  expect(new Set((await Promise.all(sending)).map(gist))).toEqual(new Set(['200']))
  expect(new Set(order.slice(0, 12))).toEqual(new Set([0, 1, 2]))
})

test('an origin that fills all sockets gives way as soon as one is free', async () => {
  const [busy, other] = [await startReceiver(), await startReceiver()]
  const sender = aSender({ sockets: 1 })
  const first = Array.from({ length: 20 }, () => sender.send(aRequest(busy.url)))
  expect(gist(await sender.send(aRequest(other.url)))).toBe('200')
  expect(busy.requests.length).toBeLessThan(20)
  expect(new Set((await Promise.all(first)).map(gist))).toEqual(new Set(['200']))
})

test.each([
  ['bad_url', 'file:///etc/passwd', ANYWHERE],
  ['bad_url', 'http://user:pa55word@example.com/', ANYWHERE],
  ['bad_url', 'not a url with a t0ken', ANYWHERE],
  ['bad_url', 'http://example.com:8080/?t0ken', PUBLIC],
  ['blocked_address', 'http://127.0.0.1/?t0ken', PUBLIC],
])('%s: %s is refused without a connection, and the message holds no secret', async (failure, url, recipients) => {
  const answer = await aSender().send(aRequest(url, { recipients }))
  expect(answer).toMatchObject({ kind: 'failure', failure, durationMs: 0 })
  expect(JSON.stringify(answer)).not.toMatch(/pa55word|t0ken/)
})

test('a header that cannot be sent is a failure, not an exception', async () => {
  const receiver = await startReceiver()
  const answer = await aSender().send(aRequest(receiver.url, { headers: ['X-A', 'a\r\nHost: evil'] }))
  expect(gist(answer)).toBe('bad_header')
  expect(receiver.requests).toEqual([])
})

test('a closed sender refuses and ends what is in flight, all without a charge', async () => {
  const receiver = await startReceiver(() => new Promise(() => {}))
  const sender = aSender({ socketsPerOrigin: 1 })
  const [first, second] = [sender.send(aRequest(receiver.url)), sender.send(aRequest(receiver.url))]
  await receiver.waitFor(1)
  await sender.close()
  await sender.close()
  for (const answer of [await first, await second, await sender.send(aRequest(receiver.url))]) {
    expect(answer).toMatchObject({ failure: 'internal', message: 'hookd is stopping' })
  }
})

test('a message names host and port, and nothing else of the URL', async () => {
  const port = await aClosedPort()
  const answer = await aSender().send(aRequest(`http://127.0.0.1:${port}/path?t0ken`))
  expect(answer).toMatchObject({ failure: 'refused', message: `the connection was refused (127.0.0.1:${port})` })
})
