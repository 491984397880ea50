import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import type { Answer } from '../../../src/delivery/outcome.ts'
import type { WebhookRequest } from '../../../src/delivery/request.ts'
import { Sender, type SenderOptions } from '../../../src/delivery/send.ts'
import type { RecipientPolicy } from '../../../src/matching/event.ts'
import { atEnd } from '../../support/at-end.ts'

/** What development allows: everything. */
export const ANYWHERE: RecipientPolicy = {
  schemes: ['http', 'https'],
  ports: 'any',
  blockInternal: false,
  allowCidrs: [],
  blockCidrs: [],
}

/** What production allows. */
export const PUBLIC: RecipientPolicy = { ...ANYWHERE, ports: [80, 443], blockInternal: true }

export function aSender(options: SenderOptions = {}): Sender {
  const sender = new Sender({ tickMs: 5, ...options })
  atEnd(() => sender.close())
  return sender
}

export function aRequest(url: string, overrides: Partial<WebhookRequest> = {}): WebhookRequest {
  return {
    url,
    headers: ['Content-Type', 'application/json', 'Hook-Event', 'article.created'],
    body: Buffer.from('{"event":"article.created"}'),
    timeoutMs: 5000,
    recipients: ANYWHERE,
    keepAlive: true,
    ...overrides,
  }
}

export interface RawServer {
  readonly url: string
  readonly port: number
  /** Connections taken so far. */
  readonly connections: readonly Socket[]
}

/** Listens on 127.0.0.1, unless told otherwise, and hands over every connection with its number, from 0. */
export async function aRawServer(
  onConnection: (socket: Socket, index: number) => void,
  at?: { readonly host: string; readonly port: number },
): Promise<RawServer> {
  const connections: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onConnection(socket, connections.push(socket) - 1)
  })
  const port = await listening(server, at)
  atEnd(async () => {
    for (const socket of connections) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${port}/`, port, connections }
}

/** Listens on 127.0.0.1 and answers each first chunk of a request with these bytes. */
export function aServerSaying(answer: string | Buffer): Promise<RawServer> {
  return aRawServer((socket) => socket.on('data', () => socket.write(answer)))
}

export async function listening(server: Server, { host = '127.0.0.1', port = 0 } = {}): Promise<number> {
  server.listen(port, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A port that nobody listens on. */
export async function aClosedPort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  server.close()
  await once(server, 'close')
  return port
}

/** The answer without what differs from run to run. */
export function gist(answer: Answer): string {
  return answer.kind === 'response' ? String(answer.status) : answer.failure
}
