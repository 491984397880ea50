import type { Pool, QueryResult, QueryResultRow } from 'pg'
import { statement } from '../postgres/statements.ts'
import type { FlushTarget } from './flush.ts'
import { readable } from './writes.ts'

const LOCK_TIMEOUT = `set local lock_timeout = '500ms'`
const RETRY_MS = 2000
const MOST_AT_ONCE = 500

export interface DisablerOptions {
  readonly pool: Pool
  readonly target: FlushTarget
  failed(error: unknown): void
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/**
 * Writes down why subscribers were disabled, apart from everything else: somebody may hold a lock on such a row for
 * hours, or a trigger may refuse the update, and neither may keep deliveries from being stored.
 */
export class Disabler {
  readonly #options: DisablerOptions
  readonly #reasons = new Map<string, string>()
  #isWorking = false

  constructor(options: DisablerOptions) {
    this.#options = options
  }

  disable(subscriberId: string, reason: string): void {
    this.#reasons.set(subscriberId, reason)
  }

  /** Tries until nothing is left or the signal aborts. Never rejects; a second call while one is at work does nothing. */
  async work(signal: AbortSignal): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    while (this.#reasons.size > 0 && !signal.aborted) {
      let hasFailed = false
      if (this.#reasons.size > 1) await this.#writeMany(signal)
      for (const [id, reason] of this.#reasons) {
        try {
          await this.#write(id, reason)
          if (this.#reasons.get(id) === reason) this.#reasons.delete(id)
        } catch (error) {
          hasFailed = true
          this.#options.failed(error)
        }
      }
      if (hasFailed) await this.#options.sleep(RETRY_MS, signal)
    }
    this.#isWorking = false
  }

  /** What it leaves over, for a lock or a trigger, is for one statement each to try. */
  async #writeMany(signal: AbortSignal): Promise<void> {
    const all = [...this.#reasons]
    for (let at = 0; at < all.length && !signal.aborted; at += MOST_AT_ONCE) {
      const some = all.slice(at, at + MOST_AT_ONCE)
      const { slot, epoch } = this.#options.target
      try {
        const { rows } = await this.#run<{ id: string }>('disable_subscribers', [
          some.map(([id]) => id),
          some.map(([, reason]) => readable(reason)),
          slot,
          epoch,
        ])
        const done = new Set(rows.map(({ id }) => id))
        for (const [id, reason] of some) if (done.has(id) && this.#reasons.get(id) === reason) this.#reasons.delete(id)
      } catch {
        return // the single statements tell which row it is
      }
    }
  }

  async #write(id: string, reason: string): Promise<void> {
    const { slot, epoch } = this.#options.target
    await this.#run('disable_subscriber', [id, readable(reason), slot, epoch])
  }

  async #run<Row extends QueryResultRow>(name: string, values: unknown[]): Promise<QueryResult<Row>> {
    const client = await this.#options.pool.connect()
    const ignore = (): void => undefined // what broke the connection also rejects the query
    client.on('error', ignore)
    let result: QueryResult<Row>
    try {
      await client.query('begin')
      await client.query(LOCK_TIMEOUT)
      result = await client.query<Row>(statement(name), values)
      await client.query('commit')
    } catch (error) {
      client.off('error', ignore)
      client.release(true)
      throw error
    }
    client.off('error', ignore)
    client.release()
    return result
  }
}
