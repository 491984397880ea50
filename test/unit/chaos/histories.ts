import { createHmac, hash } from 'node:crypto'
import type { ChangeFact, Fact, KeptFact, RequestFact } from '../../../chaos/history.ts'

export const SECRET = 'a secret of some length'
export const OTHER_SECRET = 'another secret of some length'
const COMMITTED = 1_700_000_000_000

type Row = Readonly<Record<string, unknown>>
type Columns = Readonly<Record<string, unknown>>

/** A subscriber's row as the journal has it. */
export function subscriber(columns: Columns = {}): Row {
  return {
    id: 'bob',
    event: 'item.*',
    url: 'http://127.0.0.1:1/healthy/1',
    owner: null,
    filter: null,
    envelope: 'hookd',
    ordering: 'row',
    batch_size: 1,
    active: true,
    disabled_at: null,
    hmac_secret: SECRET,
    hmac_secret_old: null,
    hmac_secret_old_until: null,
    hmac_digest: 'sha256',
    ...columns,
  }
}

/** An item's row. */
export function item(id: number, stamp: number, columns: Columns = {}): Row {
  return { id, stamp, state: 'DRAFT', owner: null, amount: 1, ...columns }
}

interface RequestOptions {
  readonly to?: string
  readonly event?: string
  readonly row: Row
  readonly old?: Row
  readonly op?: 'insert' | 'update' | 'delete'
  /** Index of the transaction. */
  readonly of: number
  readonly secret?: string
  /** Signs too. */
  readonly oldSecret?: string
  readonly path?: string
  readonly status?: number
  readonly headers?: Columns
  readonly body?: string
  readonly delivery?: string
  readonly at?: number
}

/** Writes a small history by hand; transactions are committed one second after the other. */
export class HistoryWriter {
  readonly facts: Fact[] = []
  #transactions = 0
  #seq = 0
  #requests = 0

  /** Commits `[source, old, new]` changes and gives the index of the transaction. */
  commit(...changes: readonly (readonly [source: string, old: Row | null, row: Row | null])[]): number {
    const at = this.#transactions++
    const xid = 700 + at
    for (const [source, old, row] of changes) this.facts.push(this.#change(xid, source, old, row))
    const committedAt = `${COMMITTED + at * 1000}000`
    this.facts.push({ kind: 'transaction', xid, commitLsn: `0/${(at + 1).toString(16)}00`, committedAt })
    return at
  }

  /** Bob, in a transaction of his own. */
  subscribe(columns: Columns = {}): number {
    return this.commit(['hookd.subscribers', null, subscriber(columns)])
  }

  /** What hookd would send, unless told otherwise. */
  request(options: RequestOptions): this {
    const { to = 'bob', op = 'insert', event = EVENTS[op], row, of, secret = SECRET, status = 200, old } = options
    const id = `msg_${event}_${String(row['stamp'])}`
    const committedAt = new Date(COMMITTED + of * 1000).toISOString().replace('Z', '000Z')
    const meta = { id, op, table: 'public.item', key: { id: row['id'] }, committed_at: committedAt, xid: 700 + of }
    const all = { event, ref: null, sender: null, data: row, meta, ...(old && { old }) }
    const { body = JSON.stringify(all), at = COMMITTED + this.#transactions * 1000 } = options
    const timestamp = String(Math.floor(at / 1000))
    const sign = (text: string, key = secret) => createHmac('sha256', key).update(text).digest('base64')
    const secrets = [secret, ...(options.oldSecret === undefined ? [] : [options.oldSecret])]
    const headers = {
      'hook-event': event,
      'hook-delivery': options.delivery ?? hash('md5', `${id} ${to}`),
      'hook-subscription': to,
      'hook-hmac': sign(body),
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': secrets.map((key) => `v1,${sign(`${id}.${timestamp}.${body}`, key)}`).join(' '),
      ...options.headers,
    } as Record<string, string>
    const fact: RequestFact = {
      kind: 'request',
      seq: ++this.#requests,
      at,
      answeredAt: at + 1,
      path: options.path ?? '/healthy/1',
      headers,
      body,
      encoding: 'utf8',
      status,
      success: status < 300 ? 'yes' : 'no',
    }
    this.facts.push(fact)
    return this
  }

  /** A row of the ledger. */
  keep(state: KeptFact['state'], row: Row, reason: string | null = null): this {
    const body = JSON.stringify({ event: 'item.created', data: row })
    const event = 'item.created'
    this.facts.push({ kind: 'kept', delivery: '-', message: '-', subscriber: 'bob', event, state, reason, body })
    return this
  }

  #change(xid: number, source: string, old: Row | null, row: Row | null): ChangeFact {
    const op = old === null ? 'insert' : row === null ? 'delete' : 'update'
    return { kind: 'change', seq: ++this.#seq, xid, source, op, old: text(old), new: text(row) }
  }
}

const EVENTS = { insert: 'item.created', update: 'item.changed', delete: 'item.removed' } as const

function text(row: Row | null): string | null {
  return row === null ? null : JSON.stringify(row)
}
