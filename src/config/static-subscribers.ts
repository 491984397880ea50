import { hash } from 'node:crypto'
import { secretProblem } from '../delivery/secret.ts'
import type { RecipientPolicy, StaticSubscriber } from '../matching/event.ts'
import { fieldsOf, list, text } from './fields.ts'
import type { Field } from './fields.ts'
import { describeNode } from './yaml-node.ts'
import type { YamlNode } from './yaml-node.ts'

/** A declared endpoint before it belongs to an event. */
export interface Endpoint {
  readonly url: string
  readonly secret: string | null
  /** Offset of the URL, for problems that show later. */
  readonly at: number
}

/**
 * Reads `subscribers`: a list of URLs or of `{url, secret}`. Empty entries are ignored.
 *
 * Its lines are kept out of every excerpt, and no message repeats a secret or a URL, which may hold a token.
 */
export function readEndpoints(field: Field): readonly Endpoint[] | null {
  field.problems.hide(field.at, field.at)
  field.problems.hide(field.node.at, field.node.end)
  const items = list(field, 'a list of URLs or of {url, secret}')
  if (items === null) return null
  const endpoints = new Map<string, Endpoint>()
  items.forEach((item, index) => {
    const endpoint = readEndpoint(field, item, index)
    if (endpoint === null) return
    const first = endpoints.get(endpoint.url)
    const where = `subscriber ${index + 1} of ${field.where}`
    if (first !== undefined) field.problems.report(endpoint.at, `${where} repeats the URL of an earlier one; remove it`)
    else endpoints.set(endpoint.url, endpoint)
  })
  return [...endpoints.values()]
}

function readEndpoint(field: Field, item: YamlNode, index: number): Endpoint | null {
  const { problems } = field
  const where = `subscriber ${index + 1} of ${field.where}`
  if (item.kind === 'null' || (item.kind === 'text' && item.text.trim() === '')) return null
  if (item.kind === 'text') return { url: item.text, secret: null, at: item.at }
  if (item.kind !== 'map') {
    problems.report(item.at, `${where} must be a URL or {url, secret}, not ${describeNode(item)}`)
    return null
  }
  const fields = fieldsOf(item, { where, keys: ['url', 'secret'], problems })
  const [url, secret] = [fields.get('url'), fields.get('secret')]
  if (url === undefined) {
    if (!item.entries.some(({ key }) => key === 'url')) problems.report(item.at, `${where} needs a "url"`)
    return null
  }
  const urlText = text(url)
  const secretText = secret === undefined ? null : text(secret)
  const problem = secretText === null ? null : secretProblem(secretText)
  if (problem !== null) problems.report(secret?.at ?? item.at, `${where}: ${problem}`)
  return urlText === null ? null : { url: urlText, secret: secretText, at: url.node.at }
}

/** The endpoints as subscribers of one event; the id follows from event and URL, so that it outlives a restart. */
export function staticSubscribers(event: string, endpoints: readonly Endpoint[]): StaticSubscriber[] {
  return endpoints.map(({ url, secret }) => ({ id: staticSubscriberId(event, url), url, secret }))
}

/** What is wrong with the URL of an endpoint under a policy, without repeating it; null for a good one. */
export function urlProblem(url: string, recipients: RecipientPolicy): string | null {
  if (!URL.canParse(url)) return 'is not a URL; write one such as https://example.com/hook'
  const parsed = new URL(url)
  const scheme = recipients.schemes.find((allowed) => `${allowed}:` === parsed.protocol)
  if (scheme === undefined)
    return `must start with ${recipients.schemes.map((allowed) => `${allowed}://`).join(' or ')}`
  if (parsed.username !== '' || parsed.password !== '') return 'must not hold a user or a password; sign with "secret"'
  if (parsed.hash !== '') return 'must not have a "#" part, because it is never sent'
  const port = parsed.port === '' ? { http: 80, https: 443 }[scheme] : Number(parsed.port)
  if (recipients.ports === 'any' || recipients.ports.includes(port)) return null
  return `has port ${port}, which "recipients" does not allow; add it to "ports" there`
}

/** A version 8 UUID (RFC 9562): 122 bits of a hash. */
function staticSubscriberId(event: string, url: string): string {
  const hex = hash('sha256', `hookd static subscriber\n${event}\n${url}`, 'hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
