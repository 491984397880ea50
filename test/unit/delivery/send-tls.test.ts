import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { type ServerOptions, createServer } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import { promisify } from 'node:util'
import { beforeAll, expect, test, vi } from 'vitest'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait.ts'
import { type Certificate, Certificates, WEAK_KEY } from './certificates.ts'
import { aRawServer, aRequest, aSender, gist, listening } from './endpoints.ts'

let certificates: Certificates
let good: Certificate

beforeAll(() => {
  certificates = new Certificates()
  good = certificates.issue('DNS:localhost,IP:127.0.0.1')
})

interface TlsServer {
  readonly port: number
  setSecureContext(options: SecureContextOptions): void
  connections(): Promise<number>
}

async function aTlsServer(options: ServerOptions): Promise<TlsServer> {
  const server = createServer(options, (request, response) => {
    request.resume()
    response.setHeader('X-Sni', String((request.socket as { servername?: unknown }).servername))
    response.end(`${request.httpVersion}`)
  })
  const port = await listening(server)
  atEnd(async () => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return {
    port,
    setSecureContext: (changed) => server.setSecureContext(changed),
    connections: () => promisify(server.getConnections.bind(server))(),
  }
}

function aTrustingSender() {
  return aSender({ ca: [certificates.ca.cert] })
}

test.each(['localhost', '127.0.0.1'])('https://%s with a good certificate is delivered over HTTP/1.1', async (host) => {
  const { port } = await aTlsServer(good)
  const sender = aTrustingSender()
  for (let at = 0; at < 2; at++) {
    const answer = await sender.send(aRequest(`https://${host}:${port}/`))
    expect(answer).toMatchObject({ status: 200, body: Buffer.from('1.1') })
  }
})

test.each<[string, string, () => ServerOptions]>([
  ['an expired certificate', 'CERT_HAS_EXPIRED', () => certificates.issue('DNS:localhost', -1)],
  ['a certificate for another host', 'ERR_TLS_CERT_ALTNAME_INVALID', () => certificates.issue('DNS:other.example')],
  ['a self-signed certificate', 'SELF_SIGNED_CERT', () => new Certificates().ca],
])('%s is a TLS error that names the certificate', async (_, code, options) => {
  const { port } = await aTlsServer(options())
  const answer = await aTrustingSender().send(aRequest(`https://localhost:${port}/?t0ken`))
  expect(answer).toMatchObject({ failure: 'tls_error', message: expect.stringContaining(code) })
  expect(answer).toMatchObject({ message: expect.stringMatching(/^TLS to localhost failed: .+valid until .+ GMT$/) })
})

test('a certificate that was replaced on the spot counts from the next connection on', async () => {
  const server = await aTlsServer(certificates.issue('DNS:localhost', -1))
  const sender = aTrustingSender()
  const request = aRequest(`https://localhost:${server.port}/`)
  expect(gist(await sender.send(request))).toBe('tls_error')
  server.setSecureContext(good)
  expect(gist(await sender.send(request))).toBe('200')
})

test('thirty failed handshakes leave no connection behind', async () => {
  const server = await aTlsServer(certificates.issue('DNS:other.example'))
  const sender = aTrustingSender()
  const request = aRequest(`https://localhost:${server.port}/`)
  for (let at = 0; at < 30; at++) expect(gist(await sender.send(request))).toBe('tls_error')
  await waitFor(async () => (await server.connections()) === 0, { what: 'all connections to end' })
})

test('an endpoint that prefers HTTP/2 is spoken to over HTTP/1.1, and one that knows nothing else is a failure', async () => {
  const answers: string[] = []
  for (const allowHTTP1 of [true, false]) {
    const server = createSecureServer({ ...good, allowHTTP1 }, (request, response) => response.end(request.httpVersion))
    server.on('unknownProtocol', (socket) => socket.destroy())
    const port = await listening(server)
    atEnd(async () => {
      server.close()
      await once(server, 'close')
    })
    const answer = await aTrustingSender().send(aRequest(`https://localhost:${port}/`))
    answers.push(answer.kind === 'response' ? answer.body.toString() : answer.failure)
  }
  expect(answers).toEqual(['1.1', 'tls_error'])
})

test('a CA that is not trusted is a TLS error, whatever the environment says', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
  atEnd(() => Promise.resolve([vi.unstubAllEnvs(), warning.mockRestore()]))
  const { port } = await aTlsServer(good)
  expect(gist(await aSender().send(aRequest(`https://localhost:${port}/`)))).toBe('tls_error')
})

test('TLS 1.1 is a TLS error', async () => {
  const { port } = await aTlsServer({
    ...good,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  expect(gist(await aTrustingSender().send(aRequest(`https://localhost:${port}/`)))).toBe('tls_error')
})

test('a certificate with a weak key is a TLS error', async () => {
  const weak = certificates.issue('DNS:localhost', 1, WEAK_KEY)
  const { port } = await aTlsServer({ ...weak, ciphers: 'DEFAULT@SECLEVEL=0' })
  expect(gist(await aTrustingSender().send(aRequest(`https://localhost:${port}/`)))).toBe('tls_error')
})

test('a server that wants a certificate of ours is a failure, not a success', async () => {
  const { port } = await aTlsServer({ ...good, ca: certificates.ca.cert, requestCert: true, rejectUnauthorized: true })
  const answer = gist(await aTrustingSender().send(aRequest(`https://localhost:${port}/`)))
  expect(['tls_error', 'reset']).toContain(answer)
})

test('plain HTTP behind https is a TLS error', async () => {
  const server = await aRawServer((socket) => socket.on('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n')))
  expect(gist(await aSender().send(aRequest(`https://127.0.0.1:${server.port}/`)))).toBe('tls_error')
})

test('a connection that is cut within the handshake is a TLS error', async () => {
  const server = await aRawServer((socket) => socket.once('data', () => socket.destroy()))
  expect(gist(await aSender().send(aRequest(`https://127.0.0.1:${server.port}/`)))).toBe('tls_error')
})

test('a handshake that never answers runs into the connect timeout', async () => {
  const server = await aRawServer((socket) => socket.resume())
  const answer = await aSender({ connectTimeoutMs: 60 }).send(aRequest(`https://127.0.0.1:${server.port}/`))
  expect(answer).toMatchObject({
    failure: 'connect_timeout',
    message: 'no TLS connection to 127.0.0.1 came about within 60 ms',
  })
})
