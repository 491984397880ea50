import type { Answer, Handler, Received } from './receiver.ts'
import { startReceiver } from './receiver.ts'
import { waitFor } from './wait.ts'

/** One path of a receiver: what came there, and what is answered there. */
export interface Endpoint {
  readonly url: string
  readonly requests: readonly Received[]
  /** The parsed JSON bodies, in order of arrival. */
  // oxlint-disable-next-line typescript/no-explicit-any -- bodies of whatever envelope a test asks for
  bodies(): any[]
  /** `event` of each body, in order of arrival. */
  events(): string[]
  /** Waits until so many requests came (10 s) and gives all of them. */
  waitFor(count: number): Promise<readonly Received[]>
  /** From now on; 200 at the beginning. */
  answer(handler: Handler | Answer): void
}

export interface Endpoints {
  /** A new path; `query` becomes part of the URL. */
  open(handler?: Handler | Answer, query?: string): Endpoint
}

/** Starts one receiver with a path for every endpoint that a test opens. */
export async function startEndpoints(): Promise<Endpoints> {
  const routes = new Map<string, { requests: Received[]; handler: Handler }>()
  const receiver = await startReceiver((request, _, response) => {
    const route = routes.get(request.path)
    if (route === undefined) return 404
    return route.handler(request, route.requests.push(request) - 1, response)
  })
  return {
    open(handler = 200, query = '') {
      const path = `/${routes.size + 1}${query}`
      const route = { requests: [] as Received[], handler: handlerOf(handler) }
      routes.set(path, route)
      const bodies = () => route.requests.map(({ body }) => JSON.parse(body.toString()))
      return {
        url: new URL(path, receiver.url).href,
        requests: route.requests,
        bodies,
        events: () => bodies().map(({ event }) => event),
        async waitFor(count) {
          await waitFor(() => route.requests.length >= count, { what: `${count} requests` }).catch((cause: unknown) => {
            throw new Error(`${route.requests.length} of ${count} requests came to ${path}`, { cause })
          })
          return route.requests
        },
        answer: (changed) => (route.handler = handlerOf(changed)),
      }
    },
  }
}

function handlerOf(handler: Handler | Answer): Handler {
  return typeof handler === 'function' ? handler : () => handler
}
