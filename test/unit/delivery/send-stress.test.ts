import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { waitFor } from '../../support/wait.ts'
import { type RawServer, aRawServer, aRequest, aSender, gist } from './endpoints.ts'

/** Numbers that look random and are the same in every run. */
function aSequence(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const BEHAVIOURS: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.write(OK),
  (socket) => socket.write(OK),
  (socket) => socket.write(OK),
  (socket) => setImmediate(() => socket.write(OK)),
  (socket) => socket.write('HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  (socket) => socket.end(OK),
  (socket) => socket.end(),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.write('garbage\r\n\r\n'),
  (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n${'x'.repeat(40_000)}`),
  (socket) => socket.write(`${OK}HTTP/1.1 500 Smuggled\r\n\r\n`),
  () => {},
]

test.each([1, 2, 3])(
  'whatever endpoints do, every request ends once and no socket stays (%i)',
  { timeout: 30_000 },
  async (seed) => {
    const next = aSequence(seed)
    const servers: RawServer[] = []
    for (let at = 0; at < 4; at++) {
      servers.push(await aRawServer((socket) => socket.on('data', () => BEHAVIOURS[next(BEHAVIOURS.length)]!(socket))))
    }
    const sender = aSender({ sockets: 5, socketsPerOrigin: 3 })
    const sending = Array.from({ length: 150 }, () =>
      sender.send(aRequest(servers[next(4)]!.url, { timeoutMs: 30, keepAlive: next(4) > 0 })),
    )
    const outcomes = new Set((await Promise.all(sending)).map(gist))
    expect([...outcomes].toSorted()).toEqual(['200', '500', 'bad_response', 'reset', 'timeout'])
    await sender.close()
    const isOpen = (socket: Socket) => !socket.destroyed
    for (const { connections } of servers) {
      await waitFor(() => !connections.some(isOpen), { what: 'all sockets to close' })
    }
  },
)
