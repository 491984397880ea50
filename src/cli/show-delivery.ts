import type { Command } from 'commander'
import { resolveOptions } from '../config/options.ts'
import { HookdError } from '../errors.ts'
import { statement } from '../postgres/statements.ts'
import { formatTime } from './age.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions, uuid } from './flags.ts'
import { layoutJson } from './layout-json.ts'
import { withoutSecrets } from './subscribers.ts'
import { formatFacts, formatTable, shorten } from './table.ts'
import { shownUrl } from './url-shown.ts'

interface Attempt {
  readonly replayed: number
  readonly attempt: number
  readonly at: string
  readonly url: string | null
  readonly status: number | null
  readonly class: string | null
  readonly error: string | null
  readonly durationMs: number | null
  /** Base64 of the first bytes of the answer. */
  readonly response: string | null
}

interface ShownDelivery {
  readonly id: string
  readonly message_id: string
  readonly event: string
  readonly subscriber_id: string
  readonly subscriber: string | null
  readonly subscriber_url: string | null
  readonly state: string
  readonly next_attempt_at: Date | null
  readonly last_error: string | null
  readonly created_at: Date
  readonly settled_at: Date | null
  readonly table: string | null
  readonly key: unknown
  readonly op: string | null
  readonly lsn: string
  readonly content_type: string | null
  readonly body: Buffer | null
  readonly tries: readonly Attempt[]
}

/** Adds `deliveries show`: one delivery with its attempts and its body. */
export function addShowDelivery(deliveries: Command): void {
  const command = deliveries
    .command('show')
    .description('show one with its attempts and its body')
    .argument('<id>', 'of the delivery', uuid)
    .action(async (id: string, flags: { json?: boolean }) => {
      await withDatabase(resolveOptions({ ...flags }), async (client) => {
        const { rows } = await client.query<ShownDelivery>(statement('show_delivery'), [id])
        const [row] = rows
        if (!row) throw unknown(id)
        if (flags.json === true) console.log(JSON.stringify(toJson(row), null, 2))
        else process.stdout.write(describe(row))
      })
    })
  addOptions(command, ['databaseUrl'])
  addFlags(command, [{ flag: '--json', description: 'print JSON' }])
}

function unknown(id: string): HookdError {
  const why = 'What was delivered at the first attempt is kept only under "delivery_log: all".'
  return new HookdError('HOOKD_UNKNOWN_DELIVERY', `there is no delivery ${id} in hookd.deliveries. ${why}`)
}

function toJson({ subscriber_url: url, body, tries, ...row }: ShownDelivery) {
  return {
    ...row,
    subscriber_url: url === null ? null : shownUrl(url),
    body: body?.toString('utf8') ?? null,
    attempts: tries.map(withoutSecrets),
  }
}

function describe(row: ShownDelivery): string {
  const { table, key, op, body, subscriber_url: url } = row
  const facts = {
    delivery: row.id,
    message: row.message_id,
    event: row.event,
    change: table === null ? op : `${op} of ${table} ${JSON.stringify(key)} at ${row.lsn}`,
    subscriber: [row.subscriber_id, row.subscriber, url === null ? null : shownUrl(url)].filter(Boolean).join('  '),
    state: row.state,
    'next attempt': row.next_attempt_at && formatTime(row.next_attempt_at),
    error: row.last_error,
    recorded: formatTime(row.created_at),
    settled: row.settled_at && formatTime(row.settled_at),
  }
  const content = body === null ? 'gone, or could never be rendered' : layoutBody(body, row.content_type)
  return `${formatFacts(facts)}\nattempts\n${formatTable(row.tries.map(toRow))}\nbody\n${content}\n`
}

function toRow({ replayed, attempt, at, status, durationMs, error, response }: Attempt) {
  const answer = response === null ? '' : Buffer.from(response, 'base64').toString('utf8')
  return {
    attempt: replayed === 0 ? String(attempt) : `${attempt} (replay ${replayed})`,
    at: formatTime(new Date(at)),
    status,
    ms: durationMs,
    error: error === null ? null : shorten(error, 60),
    answer: answer === '' ? null : shorten(answer, 60),
  }
}

function layoutBody(body: Buffer, contentType: string | null): string {
  const text = body.toString('utf8')
  return contentType?.endsWith('json') === true ? layoutJson(text, 100) : text
}
