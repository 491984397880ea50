import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { atEnd } from './at-end.ts'
import { waitFor } from './wait.ts'

/** One request, recorded when its body is complete. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Name, value, name, value, … as they came over the wire. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A status, or the whole answer. Nothing means that the handler has answered through `response`, or never will. */
export type Answer = number | { status: number; headers?: Record<string, string>; body?: string | Buffer } | void

/** Decides the answer; `index` counts the requests from 0. A promise that stays pending lets the sender hang. */
export type Handler = (request: Received, index: number, response: ServerResponse) => Answer | Promise<Answer>

export interface Receiver {
  readonly url: string
  readonly port: number
  readonly requests: readonly Received[]
  /** Waits until so many requests came (10 s), or until one satisfies the predicate; gives all of them, or that one. */
  waitFor(count: number): Promise<readonly Received[]>
  waitFor(predicate: (request: Received) => boolean): Promise<Received>
  /** Stops listening and cuts every connection; also done when the test (or, from `beforeAll`, the file) ends. */
  close(): Promise<void>
}

/** Starts an HTTP endpoint on 127.0.0.1 that records what it gets. Answers 200 unless `handler` says otherwise. */
export async function startReceiver(handler: Handler = () => 200, { port = 0 } = {}): Promise<Receiver> {
  const requests: Received[] = []
  const server = createServer((request, response) => void receive(request, response).catch(() => response.destroy()))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await read(request)
    const index = requests.push(received) - 1
    const answer = await handler(received, index, response)
    if (answer === undefined) return
    const { status, headers = {}, body = '' } = typeof answer === 'number' ? { status: answer } : answer
    response.writeHead(status, headers).end(body)
  }

  async function close(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  async function waitForCount(wanted: number): Promise<readonly Received[]> {
    await waitFor(() => requests.length >= wanted, { what: `${wanted} requests` }).catch((cause: unknown) => {
      throw new Error(`${requests.length} of ${wanted} requests came`, { cause })
    })
    return requests
  }

  function waitForRequests(wanted: number): Promise<readonly Received[]>
  function waitForRequests(wanted: (request: Received) => boolean): Promise<Received>
  function waitForRequests(wanted: number | ((request: Received) => boolean)): Promise<Received | readonly Received[]> {
    if (typeof wanted === 'function') return waitFor(() => requests.find(wanted), { what: 'a matching request' })
    return waitForCount(wanted)
  }

  atEnd(close)
  const address = server.address() as AddressInfo
  const url = `http://127.0.0.1:${address.port}/`
  return { url, port: address.port, requests, waitFor: waitForRequests, close }
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { method = '', url: path = '', headers, rawHeaders } = request
  return { method, path, headers, rawHeaders, body: Buffer.concat(chunks), at: Date.now() }
}
