import { type Command, InvalidArgumentError } from 'commander'
import { resolveOptions } from '../config/options.ts'
import { HookdError } from '../errors.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions, type Flag, uuid } from './flags.ts'

interface AddFlags {
  readonly owner?: string
  readonly filter?: string
  readonly envelope?: string
  readonly ordering?: string
  readonly label?: string
  readonly json?: boolean
}

/** Adds `subscribers add`, `remove`, `pause`, `resume` and `rotate`. */
export function addSubscriberChanges(subscribers: Command): void {
  addAdd(subscribers)
  addChange(subscribers, 'remove', 'remove a subscriber; what is pending for it is cancelled', {
    sql: 'delete from hookd.subscribers where id = $1 returning id',
    done: 'removed',
  })
  addChange(subscribers, 'pause', 'keep its deliveries and send none', {
    sql: 'update hookd.subscribers set active = false where id = $1 returning id',
    done: 'paused',
  })
  addChange(subscribers, 'resume', 'send again, also after hookd has disabled it', {
    sql: 'update hookd.subscribers set active = true, disabled_at = null where id = $1 returning id',
    done: 'resumed',
  })
  addRotate(subscribers)
}

function addAdd(subscribers: Command): void {
  const command = subscribers
    .command('add')
    .description('add a subscriber; prints its id and its new secret')
    .argument('<event>', 'a name or a pattern: article.created, article.*, *.created, *')
    .argument('<url>', 'where to POST')
    .action(async (event: string, url: string, flags: AddFlags) => {
      const { owner = null, filter = null, envelope = 'hookd', ordering = 'row', label = null } = flags
      await withDatabase(resolveOptions({ ...flags }), async (client) => {
        const { rows } = await client.query<{ id: string; secret: string }>(
          `insert into hookd.subscribers (event, url, owner, filter, envelope, ordering, label)
           values ($1, $2, $3, $4, $5, $6, $7) returning id, hmac_secret as secret`,
          [event, url, owner, filter, envelope, ordering, label],
        )
        const { id, secret } = rows[0]!
        console.log(flags.json === true ? JSON.stringify({ id, secret }) : `id      ${id}\nsecret  ${secret}`)
      })
    })
  addOptions(command, ['databaseUrl'])
  addFlags(command, [
    { flag: '--owner <owner>', description: 'receives only events of this owner' },
    { flag: '--filter <json>', description: 'a condition on the row, as "when" in hookd.yaml', parse: json },
    {
      flag: '--envelope <name>',
      description: 'shape of the body',
      choices: ['hookd', 'thorn', 'resthooks', 'flat', 'raw', 'standard', 'cloudevents'],
    },
    { flag: '--ordering <kind>', description: 'what is sent in order', choices: ['row', 'subscriber', 'none'] },
    { flag: '--label <text>', description: 'your name for it' },
    { flag: '--json', description: 'print JSON' },
  ])
}

function addChange(
  subscribers: Command,
  name: string,
  description: string,
  { sql, done }: { sql: string; done: string },
): void {
  const command = subscribers
    .command(name)
    .description(description)
    .argument('<id>', 'see "hookd subscribers"', uuid)
    .action(async (id: string, flags: object) => {
      await withDatabase(resolveOptions({ ...flags }), async (client) => {
        const { rowCount } = await client.query(sql, [id])
        if (rowCount === 0) throw unknown(id)
        console.log(`${done} ${id}`)
      })
    })
  addOptions(command, ['databaseUrl'])
}

function addRotate(subscribers: Command): void {
  const overlap: Flag = {
    flag: '--overlap <interval>',
    description: 'how long the old secret signs too, such as "24 hours"; 0 stops it at once',
    default: '24 hours',
  }
  const command = subscribers
    .command('rotate')
    .description('give a subscriber a new secret and print it')
    .argument('<id>', 'see "hookd subscribers"', uuid)
    .action(async (id: string, flags: { overlap: string }) => {
      await withDatabase(resolveOptions({ ...flags }), async (client) => {
        const { rows } = await client.query<{ secret: string }>(
          'select hookd.rotate_secret(id => $1, overlap => $2::interval) as secret',
          [id, flags.overlap],
        )
        console.log(rows[0]!.secret)
      })
    })
  addOptions(command, ['databaseUrl'])
  addFlags(command, [overlap])
}

function unknown(id: string): HookdError {
  return new HookdError('HOOKD_UNKNOWN_SUBSCRIBER', `there is no subscriber ${id}. List them with "hookd subscribers".`)
}

function json(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    throw new InvalidArgumentError('It must be JSON such as \'{"state": "PUBLISHED"}\'.')
  }
}
