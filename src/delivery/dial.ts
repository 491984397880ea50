import { type Socket, connect as connectTcp, isIPv6 } from 'node:net'
import { type SecureContext, type TLSSocket, connect as connectTls } from 'node:tls'
import type { RecipientPolicy } from '../matching/event.ts'
import { DialError, classify, codeOf } from './failures.ts'
import { type Target, judgeAddress } from './recipients.ts'

export interface DialOptions {
  /** All addresses of a name. Rejects with `DialError`. */
  readonly resolve: (host: string) => Promise<readonly string[]>
  /** For TCP and TLS together. */
  readonly connectTimeoutMs: number
  readonly secureContext: () => SecureContext
}

const MOST_ADDRESSES = 8
/** RFC 8305, section 8. */
const NEXT_ATTEMPT_MS = 250
const KEEP_ALIVE_PROBE_MS = 60_000

/**
 * Connects to a target at an address that its policy allows, and at no other.
 *
 * A name is resolved here and all its addresses are judged; then these very addresses are dialled, up to eight, a new
 * one every 250 ms until the first one answers. Rejects with `DialError`, and with the signal's reason on abort.
 */
export async function dial(
  target: Target,
  policy: RecipientPolicy,
  options: DialOptions & { readonly signal: AbortSignal },
): Promise<Socket> {
  const addresses = target.isAddress ? [target.host] : await options.resolve(target.host)
  for (const address of addresses) {
    const problem = judgeAddress(address, policy)
    if (problem === null) continue
    throw new DialError('blocked_address', `${target.host} resolves to what "recipients" does not allow: it ${problem}`)
  }
  options.signal.throwIfAborted()
  const abort = new AbortController()
  const onAbort = () => abort.abort(options.signal.reason)
  options.signal.addEventListener('abort', onAbort)
  const timer = setTimeout(() => abort.abort(tooSlow(target, options.connectTimeoutMs)), options.connectTimeoutMs)
  try {
    return await connect(interleave(addresses).slice(0, MOST_ADDRESSES), target, { ...options, signal: abort.signal })
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', onAbort)
  }
}

function tooSlow({ host, secure }: Target, connectTimeoutMs: number): DialError {
  const what = secure ? 'no TLS connection' : 'no connection'
  return new DialError('connect_timeout', `${what} to ${host} came about within ${connectTimeoutMs} ms`)
}

async function connect(
  addresses: readonly string[],
  target: Target,
  options: DialOptions & { readonly signal: AbortSignal },
): Promise<Socket> {
  const open = (address: string) => (target.secure ? openTls(address, target, options) : openTcp(address, target))
  try {
    const socket = await race(addresses, open, options.signal)
    return target.secure ? await handshake(socket as TLSSocket, target, options.signal) : socket
  } catch (error) {
    if (error instanceof DialError || options.signal.aborted) throw error
    const { failure, message } = classify(error)
    throw new DialError(failure, `${message} (${target.host}:${target.port})`)
  }
}

function openTcp(host: string, { port }: Target): Socket {
  return prepare(connectTcp({ host, port }))
}

function openTls(host: string, target: Target, { secureContext }: DialOptions): Socket {
  return prepare(
    connectTls({
      host,
      port: target.port,
      ...(target.isAddress ? {} : { servername: target.host }),
      secureContext: secureContext(),
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
    }),
  )
}

function prepare(socket: Socket): Socket {
  // A socket that lost the race, or fails later, must not take the process down.
  return socket
    .on('error', () => {})
    .setNoDelay(true)
    .setKeepAlive(true, KEEP_ALIVE_PROBE_MS)
}

/** Dials addresses one after the other until one connects; the rest is cut. */
function race(addresses: readonly string[], open: (address: string) => Socket, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const opened = new Set<Socket>()
  let next = 0
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const end = (winner: Socket | null) => {
    isOver = true
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    for (const socket of opened) if (socket !== winner) socket.destroy()
  }
  const onAbort = () => {
    end(null)
    reject(signal.reason as Error)
  }
  const attempt = () => {
    clearTimeout(timer)
    const socket = open(addresses[next++]!)
    opened.add(socket)
    socket.once('connect', () => {
      if (isOver) return
      end(socket)
      resolve(socket)
    })
    socket.once('error', (error) => {
      opened.delete(socket)
      if (isOver) return
      if (next < addresses.length) attempt()
      else if (opened.size === 0) {
        end(null)
        reject(error)
      }
    })
    if (next < addresses.length) timer = setTimeout(attempt, NEXT_ATTEMPT_MS)
  }
  signal.addEventListener('abort', onAbort)
  attempt()
  return promise
}

function handshake(socket: TLSSocket, target: Target, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  let certificate = ''
  // Before Node's own listener, which cuts the connection and with it the certificate.
  socket.prependOnceListener('secure', () => {
    certificate = describeCertificate(socket)
  })
  const onAbort = () => {
    socket.destroy()
    reject(signal.reason as Error)
  }
  signal.addEventListener('abort', onAbort)
  socket.once('secureConnect', () => {
    signal.removeEventListener('abort', onAbort)
    resolve(socket)
  })
  socket.once('error', (error) => {
    signal.removeEventListener('abort', onAbort)
    reject(new DialError('tls_error', `TLS to ${target.host} failed: ${codeOf(error) || 'closed'}${certificate}`))
  })
  return promise
}

function describeCertificate(socket: TLSSocket): string {
  const { subject, valid_to: until } = socket.getPeerCertificate()
  const name = Array.isArray(subject?.CN) ? subject.CN[0] : subject?.CN
  return `; the certificate is for ${JSON.stringify(name?.slice(0, 100) ?? '')} and valid until ${until}`
}

/** IPv6 and IPv4 in turn, IPv6 first (RFC 8305, section 4). */
function interleave(addresses: readonly string[]): string[] {
  const six = addresses.filter((address) => isIPv6(address))
  const four = addresses.filter((address) => !isIPv6(address))
  const order: string[] = []
  for (let at = 0; at < Math.max(six.length, four.length); at++) {
    order.push(...six.slice(at, at + 1), ...four.slice(at, at + 1))
  }
  return order
}
