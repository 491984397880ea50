import { callbackify } from 'node:util'
import pg from 'pg'
import type { Route } from './route.ts'

/** What a session is opened with. */
export interface SessionConfig extends pg.ClientConfig {
  /** Finds the server where the URL names several; absent where it names one. */
  readonly route?: Route
}

/** A session that goes to whichever server of its URL is the right one now. The driver knows one server alone. */
export class Client extends pg.Client {
  readonly #route: Route | null
  #isOver = false

  /** The parameter is there whenever a pool makes one. */
  constructor(config: SessionConfig = {}) {
    super(config)
    this.#route = config.route ?? null
  }

  override connect(): Promise<pg.Client>
  override connect(callback: ((error: Error) => void) | ((error: null, client: pg.Client) => void)): void
  override connect(callback?: (...result: never[]) => void): Promise<pg.Client> | void {
    const connecting = this.#route === null ? super.connect() : this.#connectBy(this.#route)
    if (callback === undefined) return connecting
    callbackify(() => connecting)(callback as (error: unknown, client: pg.Client) => void)
  }

  override end(): Promise<void>
  override end(callback: (error: Error) => void): void
  override end(callback?: (error: Error) => void): Promise<void> | void {
    this.#isOver = true
    return callback === undefined ? super.end() : super.end(callback)
  }

  async #connectBy(route: Route): Promise<pg.Client> {
    const { host, port } = await route.find()
    if (this.#isOver) throw new Error('Connection terminated')
    Object.assign(this, { host, port })
    const forget = route.attach(() => this.connection.stream.destroy())
    this.once('end', forget)
    return super.connect()
  }
}
