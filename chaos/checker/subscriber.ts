import { type Exact, member, textOf } from './json.ts'
import type { Message } from './events.ts'

/** A subscriber's row as it was for the transactions from `from` on, up to and including `upto`. */
export interface Version {
  readonly id: string
  /** Index of the transaction that wrote it; it holds for those after it. */
  readonly from: number
  /** Index of the transaction that replaced or removed it; Infinity for the last. */
  upto: number
  /** Milliseconds: when it was committed. */
  readonly at: number
  readonly event: string
  readonly path: string
  readonly owner: string | null
  readonly filter: Exact
  readonly envelope: string
  readonly ordering: string
  readonly isBatched: boolean
  /** Paused by its owner, or disabled by hookd. */
  readonly isParked: boolean
  readonly secret: string
  readonly oldSecret: string | null
  /** Milliseconds; until then the old secret signs too. */
  readonly oldSecretUntil: number
  readonly digest: string
}

/** Reads a row of `hookd.subscribers`. */
export function readVersion(row: Exact, { from, at }: { from: number; at: number }): Version {
  const text = (name: string) => textOf(member(row, name))
  const until = text('hmac_secret_old_until')
  return {
    id: text('id') ?? '',
    from,
    upto: Infinity,
    at,
    event: text('event') ?? '',
    path: new URL(text('url') ?? '').pathname,
    owner: text('owner'),
    filter: member(row, 'filter') ?? null,
    envelope: text('envelope') ?? '',
    ordering: text('ordering') ?? '',
    isBatched: text('batch_size') !== '1',
    isParked: member(row, 'active') === false || text('disabled_at') !== null,
    secret: text('hmac_secret') ?? '',
    oldSecret: text('hmac_secret_old'),
    oldSecretUntil: until === null ? 0 : Date.parse(until),
    digest: (text('hmac_digest') ?? '').toLowerCase(),
  }
}

/** Whether a message is for this subscriber: pattern, owner, filter. */
export function isFor(version: Version, { event, owner, row }: Message): boolean {
  return isMatch(version.event, event) && isOwner(version.owner, owner) && holds(version.filter, row)
}

/** `*` stands for one segment, at the end for all the rest. */
function isMatch(pattern: string, event: string): boolean {
  const [wanted, given] = [pattern.split('.'), event.split('.')]
  if (wanted.at(-1) === '*' ? given.length < wanted.length : given.length !== wanted.length) return false
  return wanted.every((segment, at) => segment === '*' || segment === given[at])
}

function isOwner(subscriber: string | null, message: string | null | undefined): boolean {
  return message === undefined || subscriber === null || subscriber === message
}

/** The few filters that the workload writes. */
function holds(filter: Exact, row: Exact): boolean {
  if (filter === null) return true
  return Object.entries(filter).every(([field, test]) => {
    const value = member(row, field) ?? null
    const least = textOf(member(test as Exact, 'gte'))
    if (least === null) return value === test
    const given = textOf(value)
    return given !== null && Number(given) >= Number(least)
  })
}
