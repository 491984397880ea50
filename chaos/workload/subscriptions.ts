import type pg from 'pg'
import type { Dice } from '../random.ts'
import type { Behaviour } from '../receivers/behaviour.ts'
import { OWNERS } from './transactions.ts'

/** Columns of `hookd.subscribers` besides the URL. */
type Columns = Readonly<Record<string, unknown>>

/** Gives the URL of a new endpoint. */
export type OpenEndpoint = (behaviour: Behaviour) => string

/** Who is subscribed when a run begins: one of each behaviour, ordering and envelope, more or less. */
const FIRST: readonly (readonly [Behaviour, Columns])[] = [
  ['healthy', { event: '*' }],
  ['healthy', { event: 'item.published', ordering: 'subscriber' }],
  ['healthy', { event: 'item.*', ordering: 'none' }],
  ['healthy', { event: 'plain.*', batch_size: 20 }],
  ['healthy', { event: 'item.*', owner: 'a', envelope: 'thorn' }],
  ['healthy', { event: '*.saved', envelope: 'flat', hmac_digest: 'sha512' }],
  ['healthy', { event: 'item.*', envelope: 'raw', filter: { amount: { gte: 50 } } }],
  ['slow', { event: 'item.*' }],
  ['failing', { event: 'item.*' }],
  ['failing', { event: 'note.*', ordering: 'subscriber' }],
  ['hanging', { event: 'item.changed' }],
  ['resetting', { event: 'item.*' }],
  ['reading', { event: 'item.changed' }],
  ['refusing', { event: 'item.created' }],
  ['gone', { event: 'item.changed' }],
]

const PATTERNS = ['item.*', 'item.changed', 'item.created', '*.published', 'note.sent', 'item.removed']
const FILTERS = [null, null, { state: 'PUBLISHED' }, { amount: { gte: 50 } }]

/** Subscribes those who are there from the beginning. */
export async function subscribeFirst(client: pg.Client, open: OpenEndpoint): Promise<void> {
  for (const [behaviour, columns] of FIRST) await insert(client, { ...columns, url: open(behaviour) })
}

/** Adds, changes, pauses, resumes or removes one subscriber; whoever hookd has disabled is resumed first. */
export async function changeSubscribers(
  client: pg.Client,
  { dice, open }: { dice: Dice; open: OpenEndpoint },
): Promise<void> {
  const { rows } = await client.query<{ id: string; paused: boolean; disabled: boolean; behaviour: Behaviour }>(
    `select id, not active as paused, disabled_at is not null as disabled, split_part(url, '/', 4) as behaviour
     from hookd.subscribers where event <> 'probe.sent' order by created_at, id`,
  )
  const disabled = rows.find((row) => row.disabled)
  if (disabled && dice.chance(0.7)) return update(client, disabled.id, { disabled_at: null })
  const paused = rows.find((row) => row.paused)
  if (paused && dice.chance(0.4)) return update(client, paused.id, { active: true })
  const { id, behaviour } = dice.pick(rows)
  const change = dice.weighted([
    ['add', rows.length < 18 ? 3 : 0],
    ['remove', rows.length > 12 ? 3 : 0],
    ['pause', 3],
    ['url', 3],
    ['secret', 3],
    ['secret-at-once', 1],
    ['filter', 2],
    ['owner', 2],
    ['event', 2],
    ['ordering', 1],
  ] as const)
  switch (change) {
    case 'add':
      return insert(client, aSubscriber(dice, open))
    case 'remove':
      await client.query('delete from hookd.subscribers where id = $1', [id])
      return
    case 'pause':
      return update(client, id, { active: false })
    case 'url':
      return update(client, id, { url: open(behaviour) })
    case 'secret':
      await client.query(`select hookd.rotate_secret($1, $2)`, [id, dice.pick(['1 second', '1 hour'])])
      return
    case 'secret-at-once':
      await client.query(`select hookd.rotate_secret($1, '0')`, [id])
      return
    case 'filter':
      return update(client, id, { event: 'item.*', filter: dice.pick(FILTERS) })
    case 'owner':
      return update(client, id, { owner: dice.pick(OWNERS) })
    case 'event':
      return update(client, id, { event: dice.pick(PATTERNS), filter: null })
    case 'ordering':
      return update(client, id, { ordering: dice.pick(['row', 'none']) })
  }
}

function aSubscriber(dice: Dice, open: OpenEndpoint): Columns {
  return {
    url: open(dice.pick(['healthy', 'slow', 'failing', 'resetting'])),
    event: dice.pick(PATTERNS),
    owner: dice.pick(OWNERS),
    ordering: dice.pick(['row', 'row', 'none', 'subscriber']),
    hmac_digest: dice.pick(['sha256', 'SHA512', 'sha1']),
    ...(dice.chance(0.3) && { hmac_secret: `not a whsec secret ${dice.whole(0, 1_000_000)}` }),
  }
}

async function insert(client: pg.Client, columns: Columns): Promise<void> {
  const names = Object.keys(columns)
  const places = names.map((_, at) => `$${at + 1}`).join(', ')
  await client.query(
    `insert into hookd.subscribers (${names.join(', ')}) values (${places})`,
    Object.values(columns).map(parameter),
  )
}

async function update(client: pg.Client, id: string, columns: Columns): Promise<void> {
  const assignments = Object.keys(columns).map((name, at) => `${name} = $${at + 2}`)
  await client.query(`update hookd.subscribers set ${assignments.join(', ')} where id = $1`, [
    id,
    ...Object.values(columns).map(parameter),
  ])
}

function parameter(value: unknown): unknown {
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : value
}
