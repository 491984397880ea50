import type { Pool } from 'pg'
import { statement } from '../postgres/statements.ts'
import type { FlushTarget } from './flush.ts'
import { readable } from './writes.ts'

const LOCK_TIMEOUT = `set local lock_timeout = '500ms'`
const RETRY_MS = 2000

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

  async #write(id: string, reason: string): Promise<void> {
    const { pool, target } = this.#options
    const client = await pool.connect()
    const ignore = (): void => undefined // what broke the connection also rejects the query
    client.on('error', ignore)
    try {
      await client.query('begin')
      await client.query(LOCK_TIMEOUT)
      await client.query(statement('disable_subscriber'), [id, readable(reason), target.slot, target.epoch])
      await client.query('commit')
    } catch (error) {
      client.off('error', ignore)
      client.release(true)
      throw error
    }
    client.off('error', ignore)
    client.release()
  }
}
