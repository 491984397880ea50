import type { Endpoints } from './endpoints.ts'
import { startEndpoints } from './endpoints.ts'
import type { Hookd } from './hookd.ts'
import type { Database } from './postgres.ts'
import { type Scene, setScene } from './scene.ts'
import { waitFor } from './wait.ts'

/** The event that `settled` emits; everybody who subscribes to `*` receives it too. */
const MARKER = 'test.marker'

/** A scene with endpoints, and a way to know that nothing more will come. */
export interface Stage extends Scene, Endpoints {
  readonly database: Database
  /**
   * Resolves when everything committed before this call is answered 2xx or stored: a marker event goes out and the
   * recorded position passes it. What has not arrived by then, and is not in `hookd.deliveries`, never will.
   */
  settled(): Promise<void>
  /** Rows of `hookd.errors` of an event, as they are once everything is settled. */
  errors(event: string): Promise<{ kind: string; message: string; table_name: string | null }[]>
  /** Rows of `hookd.deliveries` of a subscriber in the order of the stream. */
  deliveries(subscriberId: string): ReturnType<Database['query']>
}

/** Sets a scene whose hookd.yaml, which must begin with its events, also declares the marker. */
export async function openStage(database: Database, { sql, yaml }: { sql: string; yaml: string }): Promise<Stage> {
  const endpoints = await startEndpoints()
  const marker = `  ${MARKER}: { manual: true, subscribers: [${JSON.stringify(endpoints.open().url)}] }\n`
  const withMarker = (text: string) => text.replace(/^events:\n/, (start) => start + marker)
  const scene = await setScene(database, { sql, yaml: withMarker(yaml) })
  let latest: Hookd | null = null
  async function settled(): Promise<void> {
    const [{ lsn }] = await database.query('select hookd.emit($1) as lsn', [MARKER])
    const passed = 'select from hookd.progress where slot = $1 and lsn > $2'
    await waitFor(async () => (await database.query(passed, [scene.slot, lsn])).length === 1, {
      what: 'everything so far to be settled',
    }).catch((cause: unknown) => {
      throw new Error(`not everything was settled; hookd said:\n${latest?.stderr().slice(-4000)}`, { cause })
    })
  }
  return {
    ...scene,
    ...endpoints,
    database,
    settled,
    start: async (options) => (latest = await scene.start(options)),
    write: (text) => scene.write(withMarker(text)),
    async errors(event) {
      await settled()
      return database.query('select kind, message, table_name from hookd.errors where event = $1 order by lsn', [event])
    },
    deliveries: (subscriberId) =>
      database.query('select * from hookd.deliveries where subscriber_id = $1 order by commit_lsn, lsn, ordinal', [
        subscriberId,
      ]),
  }
}

/** The row of a subscriber. */
export async function readSubscriber(scene: Pick<Scene, 'database'>, id: string) {
  const [row] = await scene.database.query('select * from hookd.subscribers where id = $1', [id])
  return row
}

/** Ends a daemon as an operator does, and waits for that. */
export async function stop(hookd: Hookd): Promise<void> {
  hookd.kill('SIGTERM')
  await hookd.exit
}
