import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { freePort } from '../support/ports.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import type { Database } from '../support/postgres.ts'
import type { Received } from '../support/receiver.ts'
import { openStage, type Stage, stop } from '../support/stage.ts'

const SQL = `
  create table item (id int primary key, note text, more jsonb, gone text);
  alter table item replica identity full`

const YAML = `events:
  item.created: { table: public.item, on: insert }
  item.failed: { table: public.item, on: insert, ref: "https://{config.missing}/{note}" }
  item.unknown: { table: public.item, on: insert, when: { gone: { startswith: a } } }
  item.large: { table: public.item, on: insert, data: { a: "{note}{note}{note}{note}{note}{note}{note}{note}" } }
  call.made: { manual: true }
delivery: { retry: { schedule: [20ms] }, max_payload: 1KiB, timeout: 1s }
`

/** What must not get out, each under a text of its own. */
const CANARY = {
  secret: 'canary-secret-0000000000000000',
  authorization: 'canary-authorization',
  url: 'canary-url',
  payload: 'canary-payload',
  answer: 'canary-answer',
  password: 'canary-password',
}

/** Where else in the database each of them stands, for that is what these columns are for. */
const AT_HOME: Record<keyof typeof CANARY, readonly string[]> = {
  secret: ['directory.row', 'subscribers.hmac_secret'],
  authorization: ['directory.row', 'subscribers.headers'],
  url: ['attempts.url', 'deliveries.url', 'directory.row', 'subscribers.url'],
  payload: ['messages.body'],
  answer: ['attempts.error', 'attempts.response', 'deliveries.last_error'],
  password: [],
}

/** Columns of the schema hookd in which a text stands, as text, within JSON or in bytes. */
async function columnsWith(database: Database, text: string): Promise<string[]> {
  const tables = await database.query(
    `select relname as name from pg_class where relnamespace = 'hookd'::regnamespace and relkind = 'r'`,
  )
  const hex = Buffer.from(text).toString('hex')
  const found = await Promise.all(
    tables.map(({ name }) =>
      database.query(
        `select distinct $3 || '.' || key as column from hookd.${name} t, jsonb_each_text(to_jsonb(t))
         where position($1 in value) > 0 or position($2 in value) > 0`,
        [text, hex, name],
      ),
    ),
  )
  return found
    .flat()
    .map((row) => row.column)
    .toSorted()
}

/** Lets everything go wrong that can, and gives the endpoints that requests have reached. */
async function makeTrouble(stage: Stage) {
  const query = `?token=${CANARY.url}`
  const redirect = { status: 302, headers: { Location: `http://127.0.0.1/${CANARY.answer}` } }
  const refusal = { status: 500, body: `no ${CANARY.answer}`, headers: { 'Set-Cookie': CANARY.answer } }
  const [healthy, ...failing] = [200, refusal, redirect, 410].map((answer) => stage.open(answer, query))
  const closed = `http://127.0.0.1:${await freePort()}/${query}`
  const own = {
    event: 'item.*',
    hmac_secret: CANARY.secret,
    headers: { Authorization: `Bearer ${CANARY.authorization}` },
  }
  const urls = [healthy!, ...failing].map(({ url }) => url)
  for (const url of [...urls, closed, healthy!.url.replace('http:', 'https:')]) await stage.subscribe(url, own)
  const broken = await stage.subscribe(closed, own)
  const [misfit, other] = [stage.open(), stage.open()]
  await stage.subscribe(misfit.url, { event: 'item.created', filter: { nowhere: 'x' } })
  await stage.subscribe(other.url, { event: 'call.made' })
  await stage.database.query(`
    alter table hookd.subscribers disable trigger user;
    update hookd.subscribers set headers = '{"Host": "${CANARY.authorization}"}' where id = '${broken}';
    alter table hookd.subscribers enable trigger user;
    alter table hookd.deliveries add constraint mine check (row_key <> 'public.item:2');
    alter table item drop gone`)
  for (const [at, length] of [0, 0, 300, 3000].entries()) {
    const values = [at + 1, CANARY.payload + 'x'.repeat(length), { [CANARY.payload]: 1 }]
    await stage.database.query('insert into item values ($1, $2, $3)', values)
  }
  await stage.database.query(`select hookd.emit('call.made')`)
  await stage.settled()
  const failures = `select distinct last_class as class from hookd.deliveries where state = 'dead' order by 1`
  const expected = ['redirect_refused', 'refused', 'status', 'tls_error', 'unsendable']
  await expect
    .poll(() => stage.database.query(failures), { timeout: 10_000 })
    .toEqual(expected.map((each) => ({ class: each })))
  const errors = await stage.database.query('select distinct kind from hookd.errors order by kind')
  expect(errors.map((error) => error.kind)).toEqual(['condition', 'filter', 'payload'])
  return { reached: [healthy!, ...failing], other, misfit }
}

function wholeOf(requests: readonly Received[]): string {
  return JSON.stringify(requests.map((request) => ({ ...request, body: request.body.toString() })))
}

describe.each(SERVER_KINDS)('secrets, %s', (kind) => {
  test('stay where they belong, whatever goes wrong', async () => {
    const database = await createDatabase(kind)
    const stage = await openStage(database, { sql: SQL, yaml: YAML })
    const url = new URL(database.url)
    url.password = CANARY.password
    const args = ['--listen', '127.0.0.1:0', '--database-url', url.href, '--log-level', 'debug']
    const hookd = await stage.start({ args })
    const telemetry = (await hookd.waitForOutput(/"telemetryUrl":"([^"]+)"/))[1]!
    const { reached, other, misfit } = await makeTrouble(stage)
    hookd.kill('SIGHUP')
    await hookd.waitForOutput(/kept the old configuration/) // for a column of it is gone
    await hookd.waitForOutput(/disabled a subscriber: answered 410/)

    const metrics = await (await fetch(`${telemetry}/metrics`)).text()
    const processes = await readFile(`/proc/${hookd.pid}/cmdline`, 'utf8')
    await stop(hookd)
    const shown = { log: hookd.stderr() + hookd.stdout(), metrics, processes }
    const leaks = Object.entries(shown).flatMap(([where, text]) => {
      return Object.values(CANARY).flatMap((canary) => (text.includes(canary) ? [`${canary} in ${where}`] : []))
    })
    expect(leaks).toEqual([])
    expect(processes).toContain('--database-url')

    const names = Object.keys(CANARY) as (keyof typeof CANARY)[]
    const found = await Promise.all(names.map(async (name) => [name, await columnsWith(database, CANARY[name])]))
    expect(Object.fromEntries(found)).toEqual(AT_HOME)

    for (const { headers, body, path } of reached.flatMap(({ requests }) => requests)) {
      const { authorization, ...others } = headers
      expect(authorization).toBe(`Bearer ${CANARY.authorization}`)
      expect(path).toContain(CANARY.url)
      expect(body.toString()).toContain(CANARY.payload)
      expect(body.toString()).not.toMatch(/canary-(?!payload)/)
      expect(JSON.stringify(others)).not.toContain('canary')
    }
    expect(other.requests).toHaveLength(1)
    expect(wholeOf(other.requests)).not.toContain('canary')
    expect(misfit.requests).toEqual([])
  })
})
