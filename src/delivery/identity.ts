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
  const identity = `hookd message\n${systemId}\n${xid}\n${committedAt}\n${lsn}\n${ordinal}\n${event}`
  return `${MESSAGE_PREFIX}${hash('sha256', identity, 'hex').slice(0, 32)}`
}

/**
 * The id of a message's delivery to one subscriber: a UUID, the same on every attempt.
 *
 * The digits of the message, which are a hash already, and a hash of the subscriber, bit by bit in exclusive or: as good
 * as a hash of both, at a fraction of what another hash for every delivery would cost. Throws TypeError for what is no
 * message id.
 */
export function deliveryId(messageId: string, subscriberId: string): string {
  if (messageId.length !== MESSAGE_PREFIX.length + DIGITS.length) throw new TypeError(`"${messageId}" is no message id`)
  const mask = maskOf(subscriberId)
  for (let at = 0; at < DIGITS.length; at++) {
    const digit = digitAt(messageId, MESSAGE_PREFIX.length + at) ^ mask[at]!
    text[DIGITS[at]!] = HEX[at === VERSION_AT ? VERSION : at === VARIANT_AT ? 8 | (digit & 3) : digit]!
  }
  return text.toString('latin1')
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

const MESSAGE_PREFIX = 'msg_'
const VERSION_AT = 12
const VERSION = 8
const VARIANT_AT = 16
const HEX = Buffer.from('0123456789abcdef', 'latin1')
/** Where the UUID is written, with its hyphens, and where its digits go. */
const text = Buffer.from('00000000-0000-0000-0000-000000000000', 'latin1')
const DIGITS = Array.from(text.keys()).filter((at) => text[at] === HEX[0])

const MOST_MASKS = 100_000
const masks = new Map<string, Uint8Array>()

/** 32 digits of the hash of a subscriber's id. */
function maskOf(subscriberId: string): Uint8Array {
  let mask = masks.get(subscriberId)
  if (mask === undefined) {
    const hex = hash('sha256', `hookd subscriber\n${subscriberId}`, 'hex')
    mask = Uint8Array.from(DIGITS, (_, at) => digitAt(hex, at))
    if (masks.size >= MOST_MASKS) masks.clear()
    masks.set(subscriberId, mask)
  }
  return mask
}

/** The value of a lower-case hexadecimal digit. */
function digitAt(hex: string, at: number): number {
  const code = hex.charCodeAt(at)
  return code < 0x3a ? code - 0x30 : code - 0x57
}
