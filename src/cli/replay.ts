import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { ClientBase } from 'pg'
import { parseDuration } from '../config/duration.ts'
import { resolveOptions } from '../config/options.ts'
import { withDatabase } from './database.ts'
import type { Choice, StepOptions } from './replay-steps.ts'
import { replayInSteps } from './replay-steps.ts'
import { addFlags, addOptions, wholeNumber } from './flags.ts'

interface ReplayFlags {
  readonly event?: string
  readonly subscriber?: string
  readonly state?: string
  readonly since?: Date
  readonly until?: Date
  readonly maxCount?: number
}

const STEPS: StepOptions = {
  atOnce: 10_000,
  progress: (count) => console.error(`${count} so far; what is done stays done if you stop here`),
}

/** `hookd replay`: sends settled deliveries again. */
export function addReplay(program: Command): void {
  const command = program
    .command('replay')
    .summary('send dead letters or other settled deliveries again')
    .description('send settled deliveries again: one, those of a message, or all that the options choose')
    .argument('[id]', 'of a delivery (a UUID) or of a message (msg_…)')
    .action(async (id: string | undefined, flags: ReplayFlags) => {
      const { event = null, subscriber = null, state = null, since = null, until = null, maxCount = null } = flags
      if (id === undefined && [event, subscriber, state, since, until].every((filter) => filter === null)) {
        command.error('error: say what to send again, for instance "hookd replay --state dead" for all dead letters')
      }
      await withDatabase(resolveOptions({ ...flags }), async (client) => {
        const text = (time: Date | null): string | null => time?.toISOString() ?? null
        const choice = { event, subscriber, state, since: text(since), until: text(until) }
        const isWhole = id === undefined && maxCount === null
        const count = isWhole
          ? await replayInSteps(client, choice, STEPS)
          : await replayOnce(client, { ...choice, id, maxCount })
        console.log(`${count} ${count === 1 ? 'delivery' : 'deliveries'} will be sent again`)
      })
    })
  addOptions(command, ['databaseUrl'])
  addFlags(command, [
    { flag: '--event <pattern>', description: 'of these events, such as article.*' },
    { flag: '--subscriber <id>', description: 'to this subscriber' },
    {
      flag: '--state <state>',
      description: 'dead is the default where no id is given',
      choices: ['dead', 'delivered', 'cancelled'],
    },
    { flag: '--since <time>', description: 'settled since then: a duration such as 2h, or a time', parse: pointInTime },
    { flag: '--until <time>', description: 'settled before then', parse: pointInTime },
    { flag: '--max-count <n>', description: 'at most so many, the oldest first', parse: wholeNumber(1) },
  ])
}

interface Single extends Choice {
  readonly id: string | undefined
  readonly maxCount: number | null
}

async function replayOnce(client: ClientBase, single: Single): Promise<number> {
  const { id, event, subscriber, state, since, until, maxCount } = single
  const isDelivery = id !== undefined && /^[0-9a-f-]{36}$/i.test(id)
  const { rows } = await client.query<{ count: string }>(
    `select hookd.replay(delivery => $1::uuid, message => $2, event => $3, subscriber => $4::uuid, state => $5,
       since => $6, until => $7, max_count => $8) as count`,
    [isDelivery ? id : null, isDelivery ? null : (id ?? null), event, subscriber, state, since, until, maxCount],
  )
  return Number(rows[0]!.count)
}

/** `2h` is two hours ago; a time without a zone is in UTC. */
function pointInTime(text: string): Date {
  const agoMs = parseDuration(text)
  if (agoMs !== null) return new Date(Date.now() - agoMs)
  const isTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)
  const time = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text.slice(10)) || text.length === 10 ? text : `${text}Z`)
  if (isTime && !Number.isNaN(time.getTime())) return time
  throw new InvalidArgumentError('It must be a duration such as 2h, or a time such as 2026-01-13T09:30:00Z.')
}
