import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HookdError } from '../errors.ts'
import type { Metrics } from './metrics.ts'

/** Why the daemon is not ready; null when it is. */
export type Readiness = () => string | null

/** A server of /healthz, /readyz and /metrics. */
export interface TelemetryServer {
  readonly url: string
  close(): Promise<void>
}

/** Listens on `host:port`; throws HookdError HOOKD_PORT_IN_USE where somebody else does. */
export async function serveTelemetry(
  address: { readonly host: string; readonly port: number },
  metrics: Metrics,
  readiness: Readiness,
): Promise<TelemetryServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(body)
    }
    // So that a subscriber whose URL is this server by mistake is not told that it was delivered.
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'only GET\n')
    if (request.url === '/healthz') return answer(200, 'ok\n')
    if (request.url === '/readyz') {
      const reason = readiness()
      return reason === null ? answer(200, 'ready\n') : answer(503, `${reason}\n`)
    }
    if (request.url === '/metrics') {
      metrics.registry.metrics().then(
        (text) => answer(200, text, metrics.registry.contentType),
        (error: unknown) => answer(500, `${String(error)}\n`),
      )
      return undefined
    }
    return answer(404, 'try /healthz, /readyz or /metrics\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, address)))
    server.listen(address.port, address.host, resolve)
  })
  server.unref()
  const { port } = server.address() as AddressInfo
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function explain(error: NodeJS.ErrnoException, address: { host: string; port: number }): Error {
  const where = `${address.host}:${address.port}`
  if (error.code === 'EADDRINUSE') {
    return new HookdError(
      'HOOKD_PORT_IN_USE',
      `${where} is in use by another program; choose another --listen address.`,
    )
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'EACCES' || error.code === 'ENOTFOUND') {
    return new HookdError(
      'HOOKD_BAD_LISTEN',
      `cannot listen on ${where} (${error.code}); choose another --listen address.`,
    )
  }
  return error
}
