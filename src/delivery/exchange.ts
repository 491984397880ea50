import type { Dispatcher } from 'undici'
import type { Connections, Endpoint } from './connections.ts'
import type { Deadlines, Expiring } from './deadlines.ts'
import { classify, isCut } from './failures.ts'
import type { Answer, FailureClass } from './outcome.ts'
import type { WebhookRequest } from './request.ts'
import type { Wire } from './wire.ts'

/** How much of an answer's body is kept; the rest is not read. */
const KEPT_BODY_BYTES = 16 * 1024
const KEPT_LOCATION = 500
const NOTHING = Buffer.alloc(0)

/** Where a request goes: the connections of an origin, and path and query there. */
export interface Route {
  readonly endpoint: Endpoint
  readonly path: string
}

export interface ExchangePorts {
  readonly connections: Connections
  readonly deadlines: Deadlines<Exchange>
  /** False while this process cannot prove that the slot is still its own. */
  readonly mayStart: () => boolean
  /** A kept connection had gone stale and the request goes out again on a new one. */
  readonly onRedial: (host: string) => void
}

/**
 * One request on its way: undici reports to it, and it ends with exactly one answer.
 *
 * Time runs from the moment it has a connection to use (or to make); standing in line for one of hookd's own sockets
 * is not the endpoint's fault.
 */
export class Exchange implements Dispatcher.DispatchHandler, Expiring {
  deadlineAt = Infinity
  readonly #request: WebhookRequest
  readonly #route: Route
  readonly #ports: ExchangePorts
  readonly #resolve: (answer: Answer) => void
  #wire: Wire | null = null
  /** `wire.dials` when it was lent: more says that undici has dialled for this request. */
  #dials = 0
  #startedAt = 0
  #isRedial = false
  #hasEnded = false
  #hasBytes = false
  #status = 0
  #retryAfter: string | null = null
  #location: string | null = null
  #chunks: Buffer[] | null = null
  #size = 0

  constructor(
    request: WebhookRequest,
    route: Route,
    { ports, resolve }: { ports: ExchangePorts; resolve: (answer: Answer) => void },
  ) {
    this.#request = request
    this.#route = route
    this.#ports = ports
    this.#resolve = resolve
  }

  start(): void {
    this.#ports.deadlines.add(this)
    this.#ports.connections.lend(this.#route.endpoint, !this.#request.keepAlive, (wire) => this.#use(wire))
  }

  expire(): void {
    const what = this.#hasBytes ? 'only part of an answer came' : 'no answer came'
    this.#end(false, 'timeout', `${what} within ${this.#request.timeoutMs} ms`)
  }

  /** Ends it because hookd stops. */
  cancel(): void {
    this.#end(false, 'internal', 'hookd is stopping')
  }

  onRequestStart(): void {
    // undici demands it.
  }

  onResponseStarted(): void {
    this.#hasBytes = true
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.#status = status
    if (status < 300) return
    this.#retryAfter = firstOf(headers['retry-after'])
    this.#location = firstOf(headers['location'])?.slice(0, KEPT_LOCATION) ?? null
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#hasEnded) return
    this.#size += chunk.length
    if (this.#chunks === null) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
    if (this.#size > KEPT_BODY_BYTES) this.#end(false, 'bad_response', '')
  }

  onResponseEnd(): void {
    this.#end(this.#request.keepAlive, 'bad_response', '')
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#hasEnded) return
    if (this.#isStale(error)) {
      this.#redial()
      return
    }
    const { failure, message } = classify(error)
    this.#end(false, failure, message)
  }

  #use(wire: Wire): void {
    if (this.#hasEnded) {
      this.#ports.connections.giveBack(wire)
      return
    }
    if (!this.#ports.mayStart()) {
      this.#ports.connections.giveBack(wire)
      this.#end(false, 'internal', 'hookd may not send while it cannot prove that the slot is still its own')
      return
    }
    this.#wire = wire
    this.#dials = wire.dials
    if (!this.#isRedial) {
      this.#startedAt = performance.now()
      this.deadlineAt = this.#startedAt + this.#request.timeoutMs
    }
    const { headers, body, keepAlive } = this.#request
    wire.client.dispatch(
      { method: 'POST', path: this.#route.path, headers: headers as string[], body, reset: !keepAlive },
      this,
    )
  }

  /** A kept connection that the other side has closed meanwhile: nothing of an answer came, and nothing was dialled. */
  #isStale(error: Error): boolean {
    if (this.#isRedial || this.#hasBytes || this.#wire === null) return false
    return this.#dials > 0 && this.#wire.dials === this.#dials && isCut(error)
  }

  #redial(): void {
    this.#isRedial = true
    this.#ports.onRedial(this.#route.endpoint.target.host)
    const stale = this.#wire!
    this.#wire = null
    this.#ports.connections.lend(this.#route.endpoint, true, (wire) => this.#use(wire))
    this.#ports.connections.discard(stale)
  }

  /** Complete headers are an answer, whatever came after them; `failure` counts only without. */
  #end(reusable: boolean, failure: FailureClass, message: string): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const { deadlines, connections } = this.#ports
    deadlines.remove(this)
    const wire = this.#wire
    this.#wire = null
    if (wire !== null) {
      if (reusable) connections.giveBack(wire)
      else connections.discard(wire)
    }
    const durationMs = this.#startedAt === 0 ? 0 : performance.now() - this.#startedAt
    this.#resolve(this.#status === 0 ? { kind: 'failure', failure, message, durationMs } : this.#response(durationMs))
  }

  #response(durationMs: number): Answer {
    return {
      kind: 'response',
      status: this.#status,
      retryAfter: this.#retryAfter,
      location: this.#location,
      body: this.#body(),
      durationMs,
    }
  }

  #body(): Buffer {
    if (this.#chunks === null) return NOTHING
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    return body.subarray(0, KEPT_BODY_BYTES)
  }
}

function firstOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null
}
