import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { Command } from 'commander'
import pg from 'pg'
import { HookdError } from '../errors.ts'
import { clientConfig, withClient } from '../postgres/connect.ts'
import { migrate } from '../postgres/migrate.ts'
import { type RunningHookd, startHookd } from './demo/daemon.ts'
import { Endpoint } from './demo/endpoint.ts'
import { guard } from './demo/guard.ts'
import { BLOG_SQL, BLOG_YAML } from './demo/scene.ts'
import { startPostgres } from './demo/server.ts'
import { formatNote, formatSql, formatTitle } from './demo/show.ts'
import { showArrivals, takeTour, type TourPorts } from './demo/tour.ts'
import { addFlags } from './flags.ts'
import { stopSignal } from './stop-signal.ts'

/** `hookd demo`: everything on an embedded PostgreSQL, without any set-up. */
export function addDemo(program: Command): void {
  const command = program
    .command('demo')
    .summary('see it at work on an embedded PostgreSQL, with nothing set up')
    .description('start an embedded PostgreSQL, an endpoint and hookd, and show which statement causes which webhook')
    .action((flags: { once?: boolean }) => demo(flags.once === true))
  addFlags(command, [{ flag: '--once', description: 'end after the tour' }])
}

async function demo(once: boolean): Promise<void> {
  const signal = stopSignal()
  const folder = mkdtempSync(join(tmpdir(), 'hookd-demo-'))
  const cleaning = guard(folder)
  const print = (text: string): void => void process.stdout.write(text)
  try {
    await play({ folder, once, signal, print })
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await cleaning.run()
  }
}

interface Play {
  readonly folder: string
  readonly once: boolean
  readonly signal: AbortSignal
  readonly print: (text: string) => void
}

async function play({ folder, once, signal, print }: Play): Promise<void> {
  print(formatTitle('hookd demo'))
  print(formatNote('starting PostgreSQL (embedded, for this demo alone) …'))
  const server = await startPostgres(folder)
  const databaseUrl = await createBlog(server)
  signal.throwIfAborted()
  writeFileSync(join(folder, 'hookd.yaml'), BLOG_YAML)
  const endpoint = await Endpoint.start()
  let hookd: RunningHookd | null = null
  try {
    print(formatNote(`starting hookd; its events are in ${join(folder, 'hookd.yaml')}`))
    hookd = await startHookd(folder, databaseUrl)
    await withClient(clientConfig(databaseUrl), async (client) => {
      const secret = await subscribe(client, endpoint.url, print)
      const ports = { client, endpoint, secret, signal, print }
      await guide(ports, { once, databaseUrl, hookd: hookd! })
    })
  } finally {
    await hookd?.stop()
    await endpoint.close()
  }
}

async function createBlog(server: string): Promise<string> {
  await withClient(clientConfig(server), (client) => client.query('create database blog'))
  const databaseUrl = new URL('/blog', server).href
  await withClient(clientConfig(databaseUrl), async (client) => {
    await client.query(BLOG_SQL)
    await migrate(client)
  })
  return databaseUrl
}

/** Subscribes as the visitor would, and gives the secret that the row got. */
async function subscribe(client: pg.Client, url: string, print: Play['print']): Promise<string> {
  const sql = `insert into hookd.subscribers (event, url) values ('*', ${pg.escapeLiteral(url)})`
  print(formatNote('an endpoint subscribes to all events:\n'))
  print(formatSql(sql))
  const { rows } = await client.query<{ secret: string }>(`${sql} returning hmac_secret as secret`)
  return rows[0]!.secret
}

async function guide(
  ports: TourPorts,
  { once, databaseUrl, hookd }: { once: boolean; databaseUrl: string; hookd: RunningHookd },
): Promise<void> {
  const died = hookd.ended.then(() => {
    throw new HookdError('HOOKD_DEMO_DAEMON', 'hookd has ended.')
  })
  died.catch(() => {}) // where nobody races it any more
  const { stops, webhooks, medianMs } = await Promise.race([takeTour(ports), died]).catch((error: unknown) => {
    throw error instanceof HookdError ? withLog(error, hookd) : error
  })
  const median = `median ${medianMs.toFixed(1)} ms from commit to receipt`
  ports.print(`\nhookd demo: ${stops} stops, ${webhooks} webhooks, all verified, ${median}\n`)
  if (once) return
  ports.print(formatTitle('Your turn'))
  ports.print(invite(databaseUrl))
  await Promise.race([showArrivals(ports), died])
}

/** What hookd said tells why the tour broke off. */
function withLog(error: HookdError, hookd: RunningHookd): HookdError {
  return new HookdError('HOOKD_DEMO_FAILED', `${error.message}\nhookd said:\n${hookd.log()}`, { cause: error })
}

function invite(databaseUrl: string): string {
  const program = `node ${relative(process.cwd(), process.argv[1] ?? 'bin/hookd.js')}`
  return [
    '  Change rows and watch the webhooks arrive here:',
    '',
    `    psql ${databaseUrl}`,
    "    insert into article (author_id, title) values (1, 'Mine');",
    '',
    '  Without psql, in another terminal:',
    '',
    `    export DATABASE_URL=${databaseUrl}`,
    `    ${program} emit tour.marker '{"hello": "world"}'`,
    `    ${program} status`,
    '',
    '  Ctrl-C ends the demo and removes everything.',
    '',
    '',
  ].join('\n')
}
