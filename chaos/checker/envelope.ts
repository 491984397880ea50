import type { TransactionFact } from '../history.ts'
import type { Message } from './events.ts'
import { type Exact, isSame, member, parseExact, textOf } from './json.ts'

/** One envelope, as far as it tells. */
export interface Envelope {
  readonly event: string
  readonly stamp: string | null
  readonly body: Exact
  /** `meta.id`; null in the envelopes without `meta`. */
  readonly id: string | null
}

/** Reads a body: one envelope, or the list of a batch. Throws SyntaxError on what is no JSON. */
export function readEnvelopes(
  text: string,
  { envelope, isBatched, event }: { envelope: string; isBatched: boolean; event: string },
): Envelope[] {
  const parsed = parseExact(text)
  const bodies = isBatched ? parsed : [parsed]
  if (!Array.isArray(bodies)) throw new SyntaxError('a batch is a list')
  return (bodies as readonly Exact[]).map((body) => ({
    event: hasEvent(envelope) ? (textOf(member(body, 'event')) ?? '') : event,
    stamp: textOf(member(dataOf(body, envelope), 'stamp')),
    body,
    id: textOf(member(member(body, 'meta'), 'id')),
  }))
}

/** What differs between an envelope and the message it should be; null if nothing. */
export function envelopeFault(
  body: Exact,
  message: Message,
  { envelope, transaction }: { envelope: string; transaction: TransactionFact },
): string | null {
  const { data, change, event, ref } = message
  if (envelope === 'raw') return isSame(body, data) ? null : 'data'
  if (envelope === 'flat') return isSame(body, { ...(data as object), created: change.op === 'insert' }) ? null : 'data'
  const common = { event, ref, sender: null, data }
  if (envelope === 'thorn') return isSame(body, common) ? null : 'data'
  const { meta, ...rest } = body as { meta?: Exact }
  const wanted = message.old === undefined ? common : { ...common, old: message.old }
  if (!isSame(rest, wanted)) return 'data'
  return metaFault(meta, message, transaction)
}

function metaFault(meta: Exact | undefined, { change, data }: Message, transaction: TransactionFact): string | null {
  const isEmitted = change.op === 'emit'
  const wanted = {
    op: change.op,
    table: isEmitted ? null : change.source,
    key: isEmitted ? null : { id: member(data, 'id') ?? null },
    xid: { digits: String(transaction.xid) },
    committed_at: isoMicros(BigInt(transaction.committedAt)),
  }
  const wrong = Object.entries(wanted).find(([name, value]) => !isSame(member(meta, name), value))
  return wrong ? `meta.${wrong[0]}` : null
}

/** `2026-01-13T23:12:52.205785Z` */
function isoMicros(micros: bigint): string {
  const [seconds, rest] = [micros / 1_000_000n, micros % 1_000_000n]
  return new Date(Number(seconds) * 1000).toISOString().replace('.000Z', `.${String(rest).padStart(6, '0')}Z`)
}

function hasEvent(envelope: string): boolean {
  return envelope === 'hookd' || envelope === 'thorn'
}

function dataOf(body: Exact, envelope: string): Exact | undefined {
  return hasEvent(envelope) ? member(body, 'data') : body
}
