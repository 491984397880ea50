import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** An address as its 4 or 16 bytes. */
export type Bytes = readonly number[]

/** A range of addresses: those whose first `bits` bits are those of `bytes`. */
export interface Network {
  readonly bytes: Bytes
  readonly bits: number
}

/** Parses `192.0.2.1` or `2001:db8::1`; null for anything else, also for an address with a zone, `fe80::1%eth0`. */
export function parseAddress(text: string): Bytes | null {
  return isIP(text) === 0 || text.includes('%') ? null : ipaddr.parse(text).toByteArray()
}

/** Parses `10.0.0.0/8` or `2001:db8::/32`. Throws TypeError on anything else. */
export function parseNetwork(text: string): Network {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const bytes = parseAddress(address)
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity
  if (bytes === null || rest.length > 0 || bits > bytes.length * 8) {
    throw new TypeError(`malformed address range ${JSON.stringify(text)}`)
  }
  return { bytes, bits }
}

export function contains({ bytes, bits }: Network, address: Bytes): boolean {
  if (address.length !== bytes.length) return false
  const whole = bits >> 3
  for (let at = 0; at < whole; at++) if (address[at] !== bytes[at]) return false
  const mask = (0xff00 >> (bits & 7)) & 0xff
  return mask === 0 || (address[whole]! & mask) === (bytes[whole]! & mask)
}

/** The IPv4 address inside a mapped (`::ffff:0:0/96`) or NAT64 (`64:ff9b::/96`) one, which is where a dial ends up. */
export function embeddedIpv4(address: Bytes): Bytes | null {
  return EMBEDDING.some((network) => contains(network, address)) ? address.slice(12) : null
}

/**
 * What kind of address this is, if it is not a public one: `a private address`; null for a public one.
 *
 * https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function internalKind(address: Bytes): string | null {
  const inner = embeddedIpv4(address) ?? address
  if (inner.length === 16 && !contains(GLOBAL_UNICAST, inner)) return 'an IPv6 address that is not public'
  return SPECIAL.find(({ network }) => contains(network, inner))?.kind ?? null
}

const EMBEDDING = ['::ffff:0:0/96', '64:ff9b::/96'].map(parseNetwork)
const GLOBAL_UNICAST = parseNetwork('2000::/3')

const SPECIAL = [
  { kind: 'an address of this host or network', ranges: ['0.0.0.0/8'] },
  { kind: 'a loopback address', ranges: ['127.0.0.0/8'] },
  { kind: 'a private address', ranges: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] },
  { kind: 'a shared address of a carrier', ranges: ['100.64.0.0/10'] },
  { kind: 'a link-local address', ranges: ['169.254.0.0/16'] },
  { kind: "an address of the cloud's own services", ranges: ['168.63.129.16/32'] },
  { kind: 'a multicast address', ranges: ['224.0.0.0/4'] },
  { kind: 'a documentation address', ranges: ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'] },
  {
    kind: 'a reserved address',
    ranges: ['192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15', '240.0.0.0/4', '2001::/23', '2002::/16'],
  },
  { kind: 'a documentation address', ranges: ['2001:db8::/32', '3fff::/20'] },
].flatMap(({ kind, ranges }) => ranges.map((range) => ({ kind, network: parseNetwork(range) })))
