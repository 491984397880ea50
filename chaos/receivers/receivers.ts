import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { History, RequestFact } from '../history.ts'
import { Dice } from '../random.ts'
import { BEHAVIOURS, type Behaviour, type Treatment, treatmentOf } from './behaviour.ts'

/** How long an endpoint that reads slowly waits between two pieces of a request. */
const READING_PAUSE_MS = 15

/** All endpoints of a run. They judge nothing: they answer as their path says, and record what came. */
export class Receivers {
  readonly #server: Server
  readonly #history: History
  readonly #dice: Dice
  readonly #awaited = new Map<string, (at: number) => void>()
  #isHealed = false
  #seq = 0

  private constructor(history: History, seed: number) {
    this.#history = history
    this.#dice = new Dice(seed, 'receivers')
    this.#server = createServer({ keepAliveTimeout: 20_000 }, (request, response) => {
      void this.#receive(request, response).catch(() => response.destroy())
    })
  }

  static async start(history: History, seed: number): Promise<Receivers> {
    const receivers = new Receivers(history, seed)
    receivers.#server.listen(0, '127.0.0.1')
    await once(receivers.#server, 'listening')
    return receivers
  }

  /** The URL of an endpoint that behaves like this; `name` makes it one of its own. */
  url(behaviour: Behaviour, name: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${behaviour}/${name}`
  }

  /** Requests so far. */
  get count(): number {
    return this.#seq
  }

  /** Resolves with the time at which a request with this text in its body arrives; null after `timeoutMs`. */
  async arrival(text: string, timeoutMs: number): Promise<number | null> {
    const arrived = Promise.withResolvers<number | null>()
    this.#awaited.set(text, arrived.resolve)
    const late = setTimeout(() => arrived.resolve(null), timeoutMs)
    const at = await arrived.promise
    clearTimeout(late)
    this.#awaited.delete(text)
    return at
  }

  /** From now on everything is answered 200 at once. */
  heal(): void {
    this.#isHealed = true
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url: path = '' } = request
    const [, first = '', name = ''] = path.split('/')
    const behaviour = BEHAVIOURS.find((each) => each === first) ?? 'healthy'
    const body = await readBody(request, behaviour === 'reading' && !this.#isHealed)
    const at = Date.now()
    const arrived = { seq: ++this.#seq, at, path, headers: flat(request), ...textOf(body) }
    for (const [text, tell] of this.#awaited) if (arrived.body.includes(text)) tell(at)
    const treatment = this.#isHealed
      ? treatmentOf('healthy', { dice: this.#dice, at, turn: 0 })
      : treatmentOf(behaviour, { dice: this.#dice, at, turn: name.length + (name.codePointAt(0) ?? 0) })
    const answer = await treat(treatment, response)
    this.#history.add({ kind: 'request', ...arrived, ...answer, answeredAt: Date.now() })
  }
}

type Answer = Pick<RequestFact, 'status' | 'success'>

async function treat(treatment: Treatment, response: ServerResponse): Promise<Answer> {
  if (treatment.kind === 'hang') {
    await once(response, 'close')
    return { status: 0, success: 'no' }
  }
  if (treatment.kind === 'reset') return reset(treatment.within, response)
  const { status, afterMs, retryAfter } = treatment
  if (afterMs > 0) await sleep(afterMs)
  const closed = Promise.withResolvers<boolean>()
  response.once('finish', () => closed.resolve(true)).once('close', () => closed.resolve(false))
  if (response.destroyed) closed.resolve(false)
  response.writeHead(status, retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }).end()
  const isWhole = await closed.promise
  return { status, success: status >= 300 ? 'no' : isWhole ? 'yes' : 'maybe' }
}

async function reset(within: 'nothing' | 'headers' | 'body', response: ServerResponse): Promise<Answer> {
  const { socket } = response
  if (within === 'headers') socket?.write('HTTP/1.1 200 OK\r\nContent-Le')
  if (within === 'body') socket?.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12')
  if (within !== 'nothing') await sleep(5)
  socket?.resetAndDestroy()
  return within === 'body' ? { status: 200, success: 'maybe' } : { status: 0, success: 'no' }
}

async function readBody(request: IncomingMessage, slowly: boolean): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) {
    chunks.push(chunk as Buffer)
    if (slowly) await sleep(READING_PAUSE_MS)
  }
  return Buffer.concat(chunks)
}

function textOf(body: Buffer): Pick<RequestFact, 'body' | 'encoding'> {
  const text = body.toString('utf8')
  if (Buffer.from(text).equals(body)) return { body: text, encoding: 'utf8' }
  return { body: body.toString('base64'), encoding: 'base64' }
}

function flat({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
