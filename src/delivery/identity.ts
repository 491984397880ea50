import { hash } from 'node:crypto'

/** What makes a message this one and no other. */
export interface MessageIdentity {
  /** Database system identifier, as `IDENTIFY_SYSTEM` gives it. */
  readonly systemId: string
  readonly xid: number
  /** Microsecond ISO 8601 in UTC. */
  readonly committedAt: string
  /** LSN of the change, `16/B374D848`. */
  readonly lsn: string
  /** Position among the changes that share `lsn`. */
  readonly ordinal: number
  /** The event as declared: two events may render the same name for one change. */
  readonly event: string
}

/**
 * A message's id: `msg_` and 32 hexadecimal digits.
 *
 * A pure function of its argument, the same after crash, re-read, retry and failover. The event comes last in the
 * hashed text because it alone may hold any character: no two identities give the same text.
 */
export function messageId({ systemId, xid, committedAt, lsn, ordinal, event }: MessageIdentity): string {
  const text = `hookd message\n${systemId}\n${xid}\n${committedAt}\n${lsn}\n${ordinal}\n${event}`
  return `msg_${hash('sha256', text, 'hex').slice(0, 32)}`
}

/** The id of a message's delivery to one subscriber: a UUID, the same on every attempt. */
export function deliveryId(messageId: string, subscriberId: string): string {
  return uuid(`hookd delivery\n${messageId}\n${subscriberId}`)
}

/** The id of a batch of deliveries: a UUID, the same whenever the same deliveries travel together in the same order. */
export function batchId(deliveryIds: readonly string[]): string {
  return uuid(`hookd batch\n${deliveryIds.join('\n')}`)
}

/** A version 8 UUID (RFC 9562): 122 bits of a hash. */
function uuid(text: string): string {
  const hex = hash('sha256', text, 'hex')
  const variant = VARIANTS[Number.parseInt(hex.charAt(16), 16) & 3]!
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const VARIANTS = ['8', '9', 'a', 'b'] as const
