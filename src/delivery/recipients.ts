import type { RecipientPolicy } from '../matching/event.ts'
import { type Network, contains, embeddedIpv4, internalKind, parseAddress, parseNetwork } from './addresses.ts'

/** A URL taken apart once; everything that is dialled and sent comes from here. */
export interface Target {
  readonly secure: boolean
  /** A name without a trailing dot, or an address without brackets. */
  readonly host: string
  readonly isAddress: boolean
  readonly port: number
  /** `https://example.com:8443` */
  readonly origin: string
  /** Path and query. */
  readonly path: string
}

export type Verdict =
  | { readonly kind: 'allowed'; readonly target: Target }
  /** `reason` is a sentence that repeats no more than scheme, host and port. */
  | { readonly kind: 'refused'; readonly failure: 'bad_url' | 'blocked_address'; readonly reason: string }

const DEFAULT_PORTS = new Map([
  ['http:', 80],
  ['https:', 443],
])

/** Names under which clouds serve credentials to whoever asks. */
const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
])

/**
 * Judges a URL by what it says: scheme, port, user, and a host that is an address or a known name.
 *
 * Whatever other names resolve to is judged by `judgeAddress` when they are dialled.
 */
export function judgeUrl(text: string, policy: RecipientPolicy): Verdict {
  const url = URL.parse(text)
  if (url === null) return bad('it is not a URL; write one such as https://example.com/hook')
  const scheme = policy.schemes.find((allowed) => url.protocol === `${allowed}:`)
  if (scheme === undefined) {
    return bad(`its scheme is ${url.protocol.slice(0, -1)}; ${policy.schemes.join(' and ')} are allowed`)
  }
  if (url.username !== '' || url.password !== '') return bad('it holds a user or a password; use a header instead')
  const port = url.port === '' ? DEFAULT_PORTS.get(url.protocol)! : Number(url.port)
  if (port === 0 || (policy.ports !== 'any' && !policy.ports.includes(port))) {
    return bad(`port ${port} is not allowed${policy.ports === 'any' ? '' : `; ${policy.ports.join(', ')} are`}`)
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (host === '') return bad('it has no host')
  const problem = judgeHost(host, policy)
  if (problem !== null) return { kind: 'refused', failure: 'blocked_address', reason: problem }
  const isAddress = parseAddress(host) !== null
  const path = url.pathname + url.search
  return { kind: 'allowed', target: { secure: scheme === 'https', host, isAddress, port, origin: url.origin, path } }
}

/** Says why an address must not be dialled, `is a private address`; null where it may. */
export function judgeAddress(address: string, policy: RecipientPolicy): string | null {
  const bytes = parseAddress(address)
  if (bytes === null) return 'is not an address'
  const inner = embeddedIpv4(bytes) ?? bytes
  const { allow, block } = networksOf(policy)
  if (block.some((network) => contains(network, bytes) || contains(network, inner))) return 'is blocked by block_cidrs'
  if (!policy.blockInternal || allow.some((network) => contains(network, inner))) return null
  const kind = internalKind(inner)
  return kind === null ? null : `is ${kind}`
}

/** The addresses of names that every resolver must answer by itself (RFC 6761); null for all other names. */
export function localAddresses(host: string): readonly string[] | null {
  return host === 'localhost' || host.endsWith('.localhost') ? ['127.0.0.1', '::1'] : null
}

/** Text that is the same for policies that allow the same. */
export function policyKey(policy: RecipientPolicy): string {
  return networksOf(policy).key
}

function judgeHost(host: string, policy: RecipientPolicy): string | null {
  if (policy.blockInternal && METADATA_NAMES.has(host)) return `"${host}" serves the credentials of a cloud machine`
  const addresses = localAddresses(host) ?? (parseAddress(host) === null ? [] : [host])
  for (const address of addresses) {
    const problem = judgeAddress(address, policy)
    if (problem !== null) return `"${host}" ${problem}, where "recipients" allows no delivery`
  }
  return null
}

function bad(reason: string): Verdict {
  return { kind: 'refused', failure: 'bad_url', reason: `the URL is not usable: ${reason}` }
}

interface Networks {
  readonly allow: readonly Network[]
  readonly block: readonly Network[]
  readonly key: string
}

const compiled = new WeakMap<RecipientPolicy, Networks>()

function networksOf(policy: RecipientPolicy): Networks {
  let networks = compiled.get(policy)
  if (networks === undefined) {
    const { blockInternal, allowCidrs, blockCidrs } = policy
    networks = {
      allow: allowCidrs.map(parseNetwork),
      block: blockCidrs.map(parseNetwork),
      key: JSON.stringify([blockInternal, allowCidrs.toSorted(), blockCidrs.toSorted()]),
    }
    compiled.set(policy, networks)
  }
  return networks
}
