import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { RecipientPolicy } from '../matching/event.ts'
import type { Lease } from './lease.ts'
import type { Answer } from './outcome.ts'
import type { WebhookRequest } from './request.ts'
import type { FromThread, ToThread } from './thread-messages.ts'
import { packBodies } from './thread-messages.ts'

const PROGRAM = new URL(`./sender-thread${extname(import.meta.url)}`, import.meta.url)
const STOPPING: Answer = { kind: 'failure', failure: 'internal', message: 'hookd is stopping', durationMs: 0 }
const MOST_URLS = 10_000
const NOTHING = Buffer.alloc(0)

export interface SenderThreadsOptions {
  /** Asked before each request goes out. */
  readonly lease: Lease
  /** A kept connection had gone stale and the request goes out again on a new one. */
  readonly onRedial: (host: string) => void
}

interface Thread {
  readonly worker: Worker
  /** Names of the policies that it knows. */
  readonly policies: Set<string>
  /** What it is told at the end of this turn of the event loop. */
  requests: { readonly id: number; readonly request: WebhookRequest }[]
}

/**
 * Sends as `Sender` does, but in threads of their own: encoding requests and parsing answers is most of the work of a
 * busy hookd. All requests to one origin go through the same thread, which keeps its connections.
 *
 * Everything that has an order or is decided stays in the thread that calls; a thread knows the lease and nothing else.
 */
export class SenderThreads {
  readonly #threads: readonly Thread[]
  readonly #pending = new Map<number, (answer: Answer) => void>()
  readonly #byUrl = new Map<string, Thread>()
  readonly #byOrigin = new Map<string, Thread>()
  #lastId = 0
  #isPosting = false
  #isClosed = false

  constructor(count: number, options: SenderThreadsOptions) {
    this.#threads = Array.from({ length: count }, () => this.#start(options))
  }

  /** Sends one request and resolves whatever happens; never rejects. */
  send(request: WebhookRequest): Promise<Answer> {
    if (this.#isClosed) return Promise.resolve(STOPPING)
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const id = ++this.#lastId
    this.#pending.set(id, resolve)
    this.#threadOf(request.url).requests.push({ id, request })
    if (!this.#isPosting) {
      this.#isPosting = true
      setImmediate(() => this.#post())
    }
    return promise
  }

  /** Cuts every connection; requests in flight end as `internal`. Resolves when the threads have ended. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#post()
    await Promise.all(
      this.#threads.map(({ worker }) => {
        worker.ref()
        const ended = new Promise((resolve) => worker.once('exit', resolve))
        worker.postMessage({ kind: 'close' } satisfies ToThread)
        return ended
      }),
    )
    for (const resolve of this.#pending.values()) resolve(STOPPING)
    this.#pending.clear()
  }

  /** An error in a thread is a bug: nobody listens for it, so that it ends the process. */
  #start({ lease, onRedial }: SenderThreadsOptions): Thread {
    const worker = new Worker(PROGRAM, { workerData: lease.buffer })
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'redialled') onRedial(message.host)
      else for (const [id, answer] of message.answers) this.#answer(id, answer)
    })
    worker.unref()
    return { worker, policies: new Set(), requests: [] }
  }

  /** In turn, the first time that an origin is seen. */
  #threadOf(url: string): Thread {
    let thread = this.#byUrl.get(url)
    if (thread !== undefined) return thread
    const origin = URL.parse(url)?.origin ?? ''
    thread = this.#byOrigin.get(origin) ?? this.#threads[this.#byOrigin.size % this.#threads.length]!
    if (this.#byUrl.size >= MOST_URLS) this.#byUrl.clear()
    if (this.#byOrigin.size >= MOST_URLS) this.#byOrigin.clear()
    this.#byUrl.set(url, thread)
    this.#byOrigin.set(origin, thread)
    return thread
  }

  #post(): void {
    this.#isPosting = false
    for (const thread of this.#threads) {
      const { requests } = thread
      if (requests.length === 0) continue
      thread.requests = []
      const bodies = packBodies(requests.map(({ request }) => request))
      const policies = newPolicies(thread, requests)
      const packed = requests.map(({ id, request }) => {
        const { url, headers, timeoutMs, keepAlive, body, recipients } = request
        return {
          id,
          url,
          headers: headers.join('\n'),
          timeoutMs,
          keepAlive,
          bodyBytes: body.length,
          policy: nameOf(recipients),
        }
      })
      const message: ToThread = { kind: 'send', requests: packed, bodies, policies }
      thread.worker.postMessage(message, [bodies.buffer])
    }
  }

  #answer(id: number, answer: Answer): void {
    const resolve = this.#pending.get(id)
    this.#pending.delete(id)
    resolve?.(answer.kind === 'response' ? { ...answer, body: asBuffer(answer.body) } : answer)
  }
}

const names = new WeakMap<RecipientPolicy, string>()

/** Policies that say the same have the same name, also after a reload. */
function nameOf(policy: RecipientPolicy): string {
  let name = names.get(policy)
  if (name === undefined) names.set(policy, (name = JSON.stringify(policy)))
  return name
}

function newPolicies({ policies }: Thread, requests: Thread['requests']): [string, RecipientPolicy][] {
  const fresh: [string, RecipientPolicy][] = []
  for (const { request } of requests) {
    const name = nameOf(request.recipients)
    if (policies.has(name)) continue
    policies.add(name)
    fresh.push([name, request.recipients])
  }
  return fresh
}

/** A buffer arrives as a plain array of bytes. */
function asBuffer(bytes: Uint8Array): Buffer {
  return bytes.length === 0 ? NOTHING : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
