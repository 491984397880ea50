import { type Command, InvalidArgumentError } from 'commander'
import { resolveOptions } from '../config/options.ts'
import { withDatabase } from './database.ts'
import { addFlags, addOptions } from './flags.ts'

interface EmitFlags {
  readonly ref?: string
  readonly sender?: string
  readonly owner?: string
}

/** `hookd emit`: sends a manual event. */
export function addEmit(program: Command): void {
  const command = program
    .command('emit')
    .summary('send a manual event')
    .description('send an event that hookd.yaml declares with "manual: true", as hookd.emit() does in SQL')
    .argument('<event>', 'its name')
    .argument('[data]', 'a JSON object', jsonObject, '{}')
    .action(async (event: string, data: string, flags: EmitFlags) => {
      const { ref = null, sender, owner = null } = flags
      await withDatabase(resolveOptions({ ...flags }), async (client) => {
        const { rows } = await client.query<{ lsn: string }>(
          `select hookd.emit(event => $1, data => $2::jsonb, ref => $3, sender => $4::jsonb, owner => $5) as lsn`,
          [event, data, ref, sender === undefined ? null : jsonOrText(sender), owner],
        )
        console.log(`emitted ${event} at ${rows[0]!.lsn}`)
      })
    })
  addOptions(command, ['databaseUrl'])
  addFlags(command, [
    { flag: '--ref <url>', description: 'the "ref" of the message' },
    { flag: '--sender <json>', description: 'the "sender" of the message: JSON, or else a text' },
    { flag: '--owner <owner>', description: 'who may receive it: subscribers of this owner, and those without one' },
  ])
}

/** Checks the text and keeps it as it is, so that every digit of a number stays. */
function jsonObject(text: string): string {
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError('It must be a JSON object such as \'{"id": 1}\'.')
  }
  return text
}

function jsonOrText(text: string): string {
  return parse(text) === undefined ? JSON.stringify(text) : text
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
