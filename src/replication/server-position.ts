import type pg from 'pg'
import { parseLsn } from './lsn.ts'
import type { ServerPosition } from './start-position.ts'

interface Identity {
  readonly systemid: string
  readonly timeline: number | string
  readonly xlogpos: string
  readonly dbname: string
}

/** Asks the server where it stands. Needs a replication connection. */
export async function readServerPosition(client: pg.ClientBase): Promise<ServerPosition> {
  const { rows } = await client.query<Identity>('IDENTIFY_SYSTEM')
  const identity = rows[0]!
  const { rows: states } = await client.query<{ in_recovery: boolean }>('select pg_is_in_recovery() as in_recovery')
  const timeline = Number(identity.timeline)
  return {
    systemId: identity.systemid,
    database: identity.dbname,
    isStandby: states[0]!.in_recovery,
    timeline,
    walEnd: parseLsn(identity.xlogpos),
    history: timeline > 1 ? await readHistory(client, timeline) : [],
  }
}

async function readHistory(client: pg.ClientBase, timeline: number): Promise<ServerPosition['history']> {
  const { rows } = await client.query<{ content: Buffer | string }>(`TIMELINE_HISTORY ${timeline}`)
  return parseTimelineHistory(rows[0]!.content.toString())
}

/** `'1\t0/3000000\tno recovery target specified\n'` -> timeline 1 was left at 0/3000000. */
export function parseTimelineHistory(text: string): ServerPosition['history'] {
  return text
    .split('\n')
    .map((line) => /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ timeline: Number(match[1]), end: parseLsn(match[2]!) }))
}
