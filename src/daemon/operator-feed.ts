import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../postgres/client.ts'
import { clientConfig, closeClient } from '../postgres/connect.ts'

const RECONNECT_MS = 1000

/**
 * Calls `wake` when an operator has done something that does not come through the stream: `hookd.replay()` and the like
 * notify the channel `hookd`. Listens until the signal; after a reconnection it calls once, for what it may have missed.
 */
export async function listenForOperators(databaseUrl: string, signal: AbortSignal, wake: () => void): Promise<void> {
  let isFirst = true
  while (!signal.aborted) {
    const client = new Client(clientConfig(databaseUrl, { statementTimeoutMs: 0 }))
    const ended = Promise.withResolvers<void>()
    const end = (): void => ended.resolve()
    client.on('error', end)
    client.on('end', end)
    client.on('notification', () => wake())
    signal.addEventListener('abort', end, { once: true })
    try {
      await client.connect()
      await client.query('listen hookd')
      if (!isFirst) wake()
      isFirst = false
      await ended.promise
    } catch {
      // the database is away; whoever reads the slot says so
    }
    signal.removeEventListener('abort', end)
    await closeClient(client)
    await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined)
  }
}
