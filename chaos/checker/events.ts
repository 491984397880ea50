import type { ChangeFact } from '../history.ts'
import { type Exact, member, textOf } from './json.ts'

/** A change of the journal, parsed. */
export interface Change {
  readonly source: string
  readonly op: ChangeFact['op']
  readonly old: Exact
  readonly new: Exact
  readonly xid: number
}

/** What one event of hookd.yaml sends for a change, worked out without hookd. */
export interface Message {
  readonly event: string
  readonly stamp: string
  readonly data: Exact
  /** What `old` of the hookd envelope is; undefined where the event does not include it. */
  readonly old: Exact | undefined
  readonly ref: string | null
  /** The owner that the message belongs to; null reaches only those without an owner, undefined reaches all. */
  readonly owner: string | null | undefined
  /** The rows whose order it has to keep: one, or two where the change moved the row. */
  readonly rows: readonly string[]
  /** What filters look at. */
  readonly row: Exact
  readonly change: Change
}

const PUBLISHED_FIELDS = ['id', 'stamp', 'state']

/** The messages of a change in the order in which they are sent: by the name of the event. */
export function messagesOf(change: Change): Message[] {
  if (change.op === 'emit') return [emitted(change)]
  const row = change.new ?? change.old
  const rows = rowsOf(change)
  const stamp = textOf(member(row, 'stamp')) ?? ''
  const owner = textOf(member(row, 'owner'))
  const all = { stamp, data: row, old: undefined, ref: null, owner: undefined, rows, row, change }
  if (change.source === 'public.plain') return change.op === 'delete' ? [] : [{ ...all, event: 'plain.saved' }]
  if (change.source !== 'public.item') return []
  if (change.op === 'delete') return [{ ...all, event: 'item.removed', owner }]
  const plain: Message =
    change.op === 'insert'
      ? { ...all, event: 'item.created', owner }
      : { ...all, event: 'item.changed', owner, old: change.old }
  return isPublished(change.new) && !isPublished(change.old) ? [plain, published(all, row)] : [plain]
}

function published(message: Omit<Message, 'event'>, row: Exact): Message {
  const data = Object.fromEntries(PUBLISHED_FIELDS.map((field) => [field, member(row, field) ?? null]))
  return { ...message, event: 'item.published', data }
}

function emitted(change: Change): Message {
  const event = change.source.replace('emit:', '')
  const data = member(change.new, 'data') ?? null
  const ref = textOf(member(change.new, 'ref'))
  const owner = textOf(member(change.new, 'owner')) ?? undefined
  const rows = [ref === null ? `event ${event}` : `ref ${ref}`]
  return {
    event,
    stamp: textOf(member(data, 'stamp')) ?? '',
    data,
    old: undefined,
    ref,
    owner,
    rows,
    row: data,
    change,
  }
}

function rowsOf({ source, old, new: row }: Change): string[] {
  const keys = [textOf(member(row, 'id')), textOf(member(old, 'id'))].filter((key) => key !== null)
  return [...new Set(keys)].map((key) => `${source} ${key}`)
}

function isPublished(row: Exact): boolean {
  return member(row, 'state') === 'PUBLISHED'
}
