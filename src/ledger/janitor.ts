import type { Pool } from 'pg'
import { statement } from '../postgres/statements.ts'

const AT_ONCE = 1000

/** Cancels the pending deliveries of a subscriber that is gone, in bounded steps. Returns how many there were. */
export async function cancelDeliveries(pool: Pool, subscriberId: string, signal: AbortSignal): Promise<number> {
  return inSteps(signal, async () => {
    const { rowCount } = await pool.query(statement('cancel_deliveries'), [subscriberId, AT_ONCE])
    return rowCount ?? 0
  })
}

/** Removes what was settled or recorded longer ago than the retention time. Returns how many deliveries went. */
export async function removeExpired(pool: Pool, retentionMs: number, signal: AbortSignal): Promise<number> {
  const seconds = retentionMs / 1000
  await inSteps(signal, async () => {
    const { rowCount } = await pool.query(statement('delete_errors'), [seconds, AT_ONCE])
    return rowCount ?? 0
  })
  return inSteps(signal, async () => {
    const { rows } = await pool.query<{ removed: number }>(statement('delete_settled'), [seconds, AT_ONCE])
    return rows[0]?.removed ?? 0
  })
}

async function inSteps(signal: AbortSignal, step: () => Promise<number>): Promise<number> {
  let total = 0
  while (!signal.aborted) {
    const done = await step()
    total += done
    if (done < AT_ONCE) break
  }
  return total
}
