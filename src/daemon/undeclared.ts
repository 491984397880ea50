import type { Pool } from 'pg'
import { statement } from '../postgres/statements.ts'
import type { Log } from '../telemetry/log.ts'
import type { LiveConfig } from './live-config.ts'

/** What an earlier hookd.yaml declared and the present one does not: declared names of events, ids of subscribers. */
export interface Undeclared {
  readonly events: readonly string[]
  readonly subscribers: readonly string[]
}

/** What is declared now, to be compared with what will be: the returned function does that. */
export function undeclaredSince(config: LiveConfig): () => Undeclared {
  const events = config.events.map(({ declaredName }) => declaredName)
  const subscribers = config.staticSubscribers().map(({ id }) => id)
  return () => {
    const kept = new Set(config.staticSubscribers().map(({ id }) => id))
    return {
      events: events.filter((name) => config.event(name) === undefined),
      subscribers: subscribers.filter((id) => !kept.has(id)),
    }
  }
}

/** Says what is still to be sent of events that are no longer declared: they were, when it was committed. */
export async function reportUndeclared(pool: Pool, events: readonly string[], log: Log): Promise<void> {
  if (events.length === 0) return
  try {
    const { rows } = await pool.query<{ event: string; count: number }>(statement('count_pending'), [events])
    for (const { event, count } of rows) {
      log.warn({ event, count }, `event "${event}" is no longer declared; what is pending of it is still sent`)
    }
  } catch (error) {
    log.warn({ events, error: String(error) }, 'no longer declared; cannot count what is still sent of these events')
  }
}
