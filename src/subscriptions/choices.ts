import type { Envelope } from '../matching/event.ts'
import type { HmacDigest, Ordering } from './subscriber.ts'

const ENVELOPES: readonly string[] = [
  'hookd',
  'thorn',
  'raw',
  'flat',
  'resthooks',
  'standard',
  'cloudevents',
] satisfies Envelope[]
const DIGESTS: readonly string[] = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] satisfies HmacDigest[]
const ORDERINGS: readonly string[] = ['row', 'none', 'subscriber'] satisfies Ordering[]

export function isEnvelope(value: string): value is Envelope {
  return ENVELOPES.includes(value)
}

export function isDigest(value: string): value is HmacDigest {
  return DIGESTS.includes(value)
}

export function isOrdering(value: string): value is Ordering {
  return ORDERINGS.includes(value)
}
