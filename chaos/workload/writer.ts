import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'

/** What a writer does again and again with its connection. */
export type Work = (client: pg.Client) => Promise<void>

interface WriterPorts {
  connect(): Promise<pg.Client>
  /** Milliseconds until the next piece of work. */
  pause(): number
}

/**
 * Does `work` until the signal, over a connection that is made anew whenever it breaks.
 *
 * A failure is expected: the server goes away, or two writers deadlock. Whether a COMMIT that failed has happened is not
 * known here, and need not be.
 */
export async function keepWriting(work: Work, { connect, pause }: WriterPorts, signal: AbortSignal): Promise<void> {
  let client: pg.Client | null = null
  while (!signal.aborted) {
    try {
      client ??= await connect()
      await work(client)
    } catch {
      client = await recovered(client)
    }
    await sleep(pause(), undefined, { signal }).catch(() => undefined)
  }
  await client?.end().catch(() => undefined)
}

/** The connection, out of its failed transaction; null where it is broken. */
async function recovered(client: pg.Client | null): Promise<pg.Client | null> {
  try {
    await client?.query('rollback')
    return client
  } catch {
    await client?.end().catch(() => undefined)
    return null
  }
}
