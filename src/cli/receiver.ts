import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HookdError } from '../errors.ts'

/** A request as it came, complete. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  /** Names as they came over the wire. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** Epoch milliseconds, with a fraction, when the last byte was there. */
  readonly at: number
}

export interface Receiver {
  readonly url: string
  close(): Promise<void>
}

/** How long an answer that is under way may take to leave. */
const FAREWELL_MS = 300

/** Listens for webhooks; `answer` gives the status of each. Throws HookdError HOOKD_PORT_IN_USE where somebody else does. */
export async function startReceiver(
  address: { readonly host: string; readonly port: number },
  answer: (request: ReceivedRequest) => number,
): Promise<Receiver> {
  const server = createServer((request, response) => {
    read(request).then(
      (received) => response.writeHead(answer(received)).end(),
      () => response.destroy(),
    )
  })
  await listen(server, address)
  const { port } = server.address() as AddressInfo
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return {
    url: `http://${host}:${port}/`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      const cut = setTimeout(() => server.closeAllConnections(), FAREWELL_MS)
      await closed
      clearTimeout(cut)
    },
  }
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      const sentence = `port ${port} of ${host} is in use by another program; choose another with --port, or 0 for a free one.`
      throw new HookdError('HOOKD_PORT_IN_USE', sentence, { cause })
    }
    throw new HookdError(
      'HOOKD_LISTEN',
      `cannot listen on ${host}:${port}: ${message}. Choose another --host or --port.`,
      { cause },
    )
  }
}

async function read(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { method = '', url: path = '', rawHeaders } = request
  const headers = rawHeaders.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : [],
  )
  return { method, path, headers, body: Buffer.concat(chunks), at: performance.timeOrigin + performance.now() }
}
