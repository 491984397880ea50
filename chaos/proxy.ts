import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What the wire does: `up` is towards the server. `refuse` breaks what is connected and takes nobody new. */
export type Wire = 'open' | 'refuse' | 'silent' | 'silent-up' | 'silent-down' | 'slow'

interface Pipe {
  readonly from: Socket
  readonly to: Socket
  readonly direction: 'up' | 'down'
  /** Bytes that wait for their time on a slow wire. */
  queue: Promise<void>
}

const SLOW_BYTES_PER_MS = 128
const SLOW_DELAY_MS = 40

/** Stands between hookd and Postgres. */
export class Proxy {
  readonly #server: Server
  readonly #port: number
  readonly #pipes = new Set<Pipe>()
  #wire: Wire = 'open'

  private constructor(port: number) {
    this.#port = port
    this.#server = createServer({ pauseOnConnect: true }, (near) => this.#join(near))
  }

  static async start(port: number): Promise<Proxy> {
    const proxy = new Proxy(port)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** The given URL, by way of the proxy. */
  url(direct: string): string {
    const url = new URL(direct)
    url.port = String((this.#server.address() as AddressInfo).port)
    return url.href
  }

  /** From now on; what a silent wire held back passes when it is open again. */
  set(wire: Wire): void {
    this.#wire = wire
    for (const pipe of this.#pipes) {
      if (wire === 'refuse') pipe.from.destroy()
      else if (this.#isSilent(pipe)) pipe.from.pause()
      else if (pipe.to.destroyed) pipe.from.destroy()
      else pipe.from.resume()
    }
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const { from } of this.#pipes) from.destroy()
    await once(this.#server, 'close')
  }

  #isSilent({ direction }: Pipe): boolean {
    return this.#wire === 'silent' || this.#wire === `silent-${direction}`
  }

  #join(near: Socket): void {
    near.on('error', () => {})
    if (this.#wire === 'refuse') {
      near.destroy()
      return
    }
    const far = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    this.#carry({ from: near, to: far, direction: 'up', queue: Promise.resolve() })
    this.#carry({ from: far, to: near, direction: 'down', queue: Promise.resolve() })
  }

  #carry(pipe: Pipe): void {
    const { from, to } = pipe
    this.#pipes.add(pipe)
    from.setNoDelay(true)
    from.on('data', (chunk) => {
      if (this.#wire === 'slow') this.#delay(pipe, chunk)
      else void pipe.queue.then(() => to.write(chunk))
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#pipes.delete(pipe)
      // Behind a silent wire nobody hears that the other end is gone.
      if (!this.#isSilent(pipe)) to.destroy()
    })
    if (this.#isSilent(pipe)) from.pause()
    else from.resume()
  }

  #delay(pipe: Pipe, chunk: Buffer): void {
    pipe.from.pause()
    pipe.queue = pipe.queue.then(async () => {
      await new Promise((resolve) => setTimeout(resolve, SLOW_DELAY_MS + chunk.length / SLOW_BYTES_PER_MS))
      pipe.to.write(chunk)
      if (!this.#isSilent(pipe)) pipe.from.resume()
    })
  }
}
