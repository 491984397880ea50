import { isIPv6 } from 'node:net'
import { errors } from 'undici'
import type { FailureClass } from './outcome.ts'

/** A connection that did not come about; the message is a sentence without secrets. */
export class DialError extends Error {
  override readonly name = 'DialError'
  readonly failure: FailureClass

  constructor(failure: FailureClass, message: string) {
    super(message)
    this.failure = failure
  }
}

export interface Failure {
  readonly failure: FailureClass
  readonly message: string
}

const BY_CODE: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: { failure: 'refused', message: 'the connection was refused' },
  ECONNRESET: { failure: 'reset', message: 'the connection was closed before an answer came' },
  EPIPE: { failure: 'reset', message: 'the connection was closed before an answer came' },
  ECONNABORTED: { failure: 'reset', message: 'the connection was closed before an answer came' },
  ETIMEDOUT: { failure: 'timeout', message: 'the network gave the connection up' },
  EHOSTUNREACH: { failure: 'unreachable', message: 'the host is unreachable' },
  EHOSTDOWN: { failure: 'unreachable', message: 'the host is unreachable' },
  ENETUNREACH: { failure: 'unreachable', message: 'the network is unreachable' },
  ENETDOWN: { failure: 'unreachable', message: 'the network is down' },
  EADDRNOTAVAIL: { failure: 'internal', message: 'this machine has no free local port for the connection' },
  EMFILE: { failure: 'internal', message: 'hookd has no free file descriptor' },
  ENFILE: { failure: 'internal', message: 'this machine has no free file descriptor' },
  ENOBUFS: { failure: 'internal', message: 'this machine has no memory for the connection' },
  ENOMEM: { failure: 'internal', message: 'this machine has no memory for the connection' },
  EACCES: { failure: 'unreachable', message: 'this machine does not let hookd connect there' },
  EPERM: { failure: 'unreachable', message: 'this machine does not let hookd connect there' },
  UND_ERR_HEADERS_OVERFLOW: { failure: 'bad_response', message: 'the headers of the answer exceed 16 KiB' },
  UND_ERR_INVALID_ARG: { failure: 'bad_header', message: 'a header or the path cannot be sent' },
  UND_ERR_NOT_SUPPORTED: { failure: 'bad_header', message: 'a header or the path cannot be sent' },
  UND_ERR_DESTROYED: { failure: 'internal', message: 'hookd is stopping' },
  UND_ERR_CLOSED: { failure: 'internal', message: 'hookd is stopping' },
}

/** What an error of the socket, of TLS or of undici means; the message names no more than what went wrong. */
export function classify(error: unknown): Failure {
  if (error instanceof DialError) return { failure: error.failure, message: error.message }
  const code = codeOf(error)
  if (code === 'EADDRNOTAVAIL' && isForIpv6(error)) return BY_CODE['ENETUNREACH']!
  const known = BY_CODE[code]
  if (known !== undefined) return known
  if (error instanceof errors.SocketError) return socketFailure(error)
  if (error instanceof errors.HTTPParserError || code.startsWith('HPE_')) {
    return { failure: 'bad_response', message: `the answer is not HTTP/1.1${code === '' ? '' : ` (${code})`}` }
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') return { failure: 'tls_error', message: `TLS failed (${code})` }
  return { failure: 'bad_response', message: `the exchange failed${code === '' ? '' : ` (${code})`}` }
}

/** Whether an error says that the connection ended, as it does when a kept one has gone stale. */
export function isCut(error: unknown): boolean {
  return classify(error).failure === 'reset'
}

export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' ? code : ''
}

/** What a machine without IPv6 says. */
function isForIpv6(error: unknown): boolean {
  return error instanceof Error && 'address' in error && typeof error.address === 'string' && isIPv6(error.address)
}

/** undici has one class for a connection that ends and for an answer nobody asked for. */
function socketFailure(error: Error): Failure {
  if (!error.message.startsWith('bad ')) return BY_CODE['ECONNRESET']!
  return { failure: 'bad_response', message: 'the answer is a 100 or an upgrade that nobody asked for' }
}
