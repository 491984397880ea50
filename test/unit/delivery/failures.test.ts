import { expect, test } from 'vitest'
import { classify, isCut } from '../../../src/delivery/failures.ts'

function systemError(code: string, address = '192.0.2.1'): Error {
  return Object.assign(new Error(`connect ${code} ${address}:443 ?token=canary`), { code, address })
}

test.each([
  ['the endpoint refuses', 'ECONNREFUSED', 'refused'],
  ['the connection is cut', 'ECONNRESET', 'reset'],
  ['the connection is cut while writing', 'EPIPE', 'reset'],
  ['the network gives up', 'ETIMEDOUT', 'timeout'],
  ['there is no way to the host', 'EHOSTUNREACH', 'unreachable'],
  ['there is no way to the network', 'ENETUNREACH', 'unreachable'],
  ['a firewall of this machine forbids it', 'EACCES', 'unreachable'],
  ['this machine has no local port left', 'EADDRNOTAVAIL', 'internal'],
  ['this process has no file descriptor left', 'EMFILE', 'internal'],
  ['this machine has no file descriptor left', 'ENFILE', 'internal'],
  ['this machine has no memory left', 'ENOBUFS', 'internal'],
])('where %s (%s) it is %s, in a sentence of our own', (_, code, failure) => {
  const classified = classify(systemError(code))
  expect(classified.failure).toBe(failure)
  expect(classified.message).not.toContain('canary')
})

test('a machine without IPv6 has no way there; that is not a lack of ports', () => {
  expect(classify(systemError('EADDRNOTAVAIL', '2001:db8::1')).failure).toBe('unreachable')
})

test('what nobody has foreseen is named by its code alone', () => {
  expect(classify(systemError('EWEIRD'))).toEqual({ failure: 'bad_response', message: 'the exchange failed (EWEIRD)' })
  expect(classify('canary')).toEqual({ failure: 'bad_response', message: 'the exchange failed' })
})

test('only a connection that ended may have gone stale', () => {
  expect(['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'EMFILE'].map((code) => isCut(systemError(code)))).toEqual([
    true,
    true,
    false,
    false,
  ])
})
