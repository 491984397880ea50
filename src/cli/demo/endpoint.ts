import { HookdError } from '../../errors.ts'
import { type ReceivedRequest, startReceiver } from '../receiver.ts'
import { headerOf } from '../show-webhook.ts'

/** A webhook that came, and what it was answered. */
export interface Arrival {
  readonly request: ReceivedRequest
  readonly event: string
  readonly status: number
}

const PATIENCE_MS = 20_000

/** The subscriber's side of the demo: an endpoint that keeps what it gets until somebody takes it. */
export class Endpoint {
  readonly url: string
  /** How many more requests fail. */
  failures = 0
  readonly #close: () => Promise<void>
  readonly #arrived: Arrival[] = []
  #waiting: ((arrival: Arrival) => void) | null = null

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url
    this.#close = close
  }

  static async start(): Promise<Endpoint> {
    const place: { endpoint: Endpoint | null } = { endpoint: null }
    const receiver = await startReceiver(
      { host: '127.0.0.1', port: 0 },
      (request) => place.endpoint?.receive(request) ?? 503,
    )
    return (place.endpoint = new Endpoint(receiver.url, () => receiver.close()))
  }

  receive(request: ReceivedRequest): number {
    const status = this.failures > 0 ? 500 : 200
    if (this.failures > 0) this.failures -= 1
    const arrival = { request, event: headerOf(request, 'hook-event') ?? '?', status }
    if (this.#waiting === null) this.#arrived.push(arrival)
    else this.#waiting(arrival)
    return status
  }

  /** The next one that nobody has taken yet; rejects when none comes in time, or when the signal aborts. */
  async next(signal: AbortSignal, { patiently = false } = {}): Promise<Arrival> {
    signal.throwIfAborted()
    const first = this.#arrived.shift()
    if (first) return first
    const { promise, resolve, reject } = Promise.withResolvers<Arrival>()
    const late = new HookdError('HOOKD_DEMO_SILENCE', `no webhook came within ${PATIENCE_MS / 1000} s.`)
    const timer = patiently ? undefined : setTimeout(reject, PATIENCE_MS, late)
    const stop = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', stop)
    this.#waiting = resolve
    try {
      return await promise
    } finally {
      this.#waiting = null
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
  }

  close(): Promise<void> {
    return this.#close()
  }
}
