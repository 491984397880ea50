import type { ClientBase } from 'pg'

/** What chooses among settled deliveries; times are texts of Postgres, to the microsecond. */
export interface Choice {
  readonly event: string | null
  readonly subscriber: string | null
  readonly state: string | null
  readonly since: string | null
  readonly until: string | null
}

export interface StepOptions {
  /** Settled deliveries that one transaction looks at. */
  readonly atOnce: number
  /** Called after each step but the last with how many there were so far. */
  progress(count: number): void
}

const NEXT = `
  with last as (
    select settled_at from hookd.deliveries
    where state <> 'pending' and state = coalesce($1, 'dead')
      and settled_at >= coalesce($2::timestamptz, '-infinity') and settled_at < $3::timestamptz
    order by settled_at offset $4 limit 1
  )
  select min(d.settled_at)::text as next from hookd.deliveries d, last
  where d.state <> 'pending' and d.settled_at > last.settled_at and d.settled_at < $3::timestamptz`

/**
 * Sends many settled deliveries again, the oldest first, in transactions of their own: however many there are, none holds
 * locks for long, and what was done stays done when it is interrupted. What is settled meanwhile is not chosen again.
 */
export async function replayInSteps(client: ClientBase, choice: Choice, options: StepOptions): Promise<number> {
  const until = choice.until ?? (await now(client))
  let count = 0
  for (let since = choice.since; ;) {
    const { rows } = await client.query<{ next: string | null }>(NEXT, [choice.state, since, until, options.atOnce - 1])
    const next = rows[0]?.next ?? null
    count += await replay(client, { ...choice, since, until: next ?? until })
    if (next === null) return count
    options.progress(count)
    since = next
  }
}

async function replay(client: ClientBase, { event, subscriber, state, since, until }: Choice): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    `select hookd.replay(event => $1, subscriber => $2::uuid, state => $3, since => $4, until => $5) as count`,
    [event, subscriber, state, since, until],
  )
  return Number(rows[0]!.count)
}

async function now(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ now: string }>('select clock_timestamp()::text as now')
  return rows[0]!.now
}
