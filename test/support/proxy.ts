import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { atEnd } from './at-end.ts'

/** `up` is from the client to the server. */
export type Direction = 'up' | 'down'

export interface Cut {
  /** Default: both. */
  readonly direction?: Direction
  /** Only connections in replication mode. */
  readonly replicationOnly?: boolean
}

export interface Proxy {
  /** The given URL, by way of the proxy. */
  url(direct: string): string
  /** From now on nothing passes where the cut says, and nobody is told: a cut cable. New connections hang as well. */
  freeze(cut?: Cut): void
  /** Lets everything through up to this text on its way down, and freezes that direction of that connection there. */
  freezeBefore(text: string): void
  /** Resolves when that text came. */
  frozenBefore(): Promise<void>
  /** Lets everything pass again, what was held back first. */
  thaw(): void
  /** From now on at most so many bytes a second pass a connection in each direction, and each of them late. */
  slow(link: { readonly bytesPerSecond: number; readonly delayMs: number }): void
}

/** One direction of one connection. */
interface Leg {
  readonly from: Socket
  readonly direction: Direction
  isReplication(): boolean
}

/** Stands between a test's subject and 127.0.0.1:`port`; gone when the test ends. */
export async function startProxy(port: number): Promise<Proxy> {
  const legs = new Set<Leg>()
  const stopped = new Set<Leg>()
  let cut: Cut | null = null
  let link: { bytesPerSecond: number; delayMs: number } | null = null
  let mark: { readonly text: Buffer; readonly came: PromiseWithResolvers<void> } | null = null

  const isFrozen = (leg: Leg): boolean => {
    if (stopped.has(leg)) return true
    if (cut === null || (cut.direction ?? leg.direction) !== leg.direction) return false
    return cut.replicationOnly !== true || leg.isReplication()
  }
  const gate = (leg: Leg): void => void (isFrozen(leg) ? leg.from.pause() : leg.from.resume())

  /** Holds the leg while a slow link is busy with what it has taken. */
  const carry = (leg: Leg, to: Socket, chunk: Buffer): void => {
    if (link === null) return void to.write(chunk)
    const { bytesPerSecond, delayMs } = link
    leg.from.pause()
    setTimeout(() => gate(leg), (chunk.length / bytesPerSecond) * 1000)
    setTimeout(() => to.write(chunk), delayMs + (chunk.length / bytesPerSecond) * 1000)
  }

  const pass = (leg: Leg, to: Socket, chunk: Buffer): void => {
    const at = leg.direction === 'down' && leg.isReplication() ? (mark?.text ?? null) : null
    const found = at === null ? -1 : chunk.indexOf(at)
    if (found < 0) return carry(leg, to, chunk)
    carry(leg, to, chunk.subarray(0, found))
    stopped.add(leg)
    leg.from.pause()
    leg.from.unshift(chunk.subarray(found))
    mark!.came.resolve()
    mark = null
  }

  const server = createServer({ pauseOnConnect: true }, (near) => {
    const far = connect(port, '127.0.0.1')
    let isReplication = false
    for (const [from, to, direction] of [
      [near, far, 'up'],
      [far, near, 'down'],
    ] as const) {
      const leg: Leg = { from, direction, isReplication: () => isReplication }
      legs.add(leg)
      from.on('data', (chunk) => {
        if (direction === 'up' && chunk.includes('replication\0database\0')) isReplication = true
        pass(leg, to, chunk)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        legs.delete(leg)
        if (!isFrozen(leg)) to.destroy()
      })
      gate(leg)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  let awaited: Promise<void> = Promise.resolve()
  atEnd(async () => {
    server.close()
    for (const { from } of legs) from.destroy()
    await once(server, 'close')
  })
  return {
    url(direct) {
      const url = new URL(direct)
      url.port = String((server.address() as AddressInfo).port)
      return url.href
    },
    freeze(where = {}) {
      cut = where
      for (const leg of legs) gate(leg)
    },
    freezeBefore(text) {
      mark = { text: Buffer.from(text), came: Promise.withResolvers() }
      awaited = mark.came.promise
    },
    frozenBefore: () => awaited,
    thaw() {
      cut = null
      stopped.clear()
      for (const leg of legs) gate(leg)
    },
    slow: (slowness) => void (link = slowness),
  }
}
