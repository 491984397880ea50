import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Received } from './receiver.ts'

/** What one writer committed to one row: `v` counts the versions of the row. */
export interface Committed {
  readonly op: 'insert' | 'update' | 'delete'
  readonly id: number
  readonly v: number
}

export const WORKLOAD_SQL = `
  create table item (id int primary key, v int not null, note text);
  alter table item replica identity full`

export const WORKLOAD_YAML = `
events:
  item.insert: { table: public.item, on: insert }
  item.update: { table: public.item, on: update }
  item.delete: { table: public.item, on: delete }
`

/** A seeded generator of numbers in [0, 1); mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface WriterOptions {
  readonly url: string
  readonly seed: number
  /** Rows of this writer alone: its ids are `base` to `base + 9`. */
  readonly base: number
  readonly signal: AbortSignal
  /** While true the writer waits, so that a test can be drained in the time it has. */
  isAhead?(written: number): boolean
}

/**
 * Writes transactions of one to six changes, some rolled back whole, some with a savepoint that is, until the signal; gives
 * what was committed, in commit order.
 */
export async function runWriter({
  url,
  seed,
  base,
  signal,
  isAhead = () => false,
}: WriterOptions): Promise<Committed[]> {
  const random = seeded(seed)
  const history: Committed[] = []
  const versions = new Map<number, number>()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  let next = 0
  while (!signal.aborted) {
    if (isAhead(history.length)) {
      await sleep(10)
      continue
    }
    const fate = random()
    const before = new Map(versions)
    const changes: Committed[] = []
    await client.query('begin')
    for (let count = 1 + Math.floor(random() * 6); count > 0; count--) {
      changes.push(
        await change(client, { versions, id: base + Math.floor(random() * 10), random: random(), v: ++next }),
      )
    }
    if (fate < 0.1) {
      await client.query('savepoint undone')
      await client.query('update item set v = -1 where id between $1 and $1 + 9', [base])
      await client.query('rollback to undone')
    }
    if (fate > 0.9) {
      await client.query('rollback')
      versions.clear()
      for (const [id, v] of before) versions.set(id, v)
    } else {
      await client.query('commit')
      history.push(...changes)
    }
  }
  await client.end()
  return history
}

async function change(
  client: pg.Client,
  { versions, id, random, v }: { versions: Map<number, number>; id: number; random: number; v: number },
): Promise<Committed> {
  const current = versions.get(id)
  if (current === undefined) {
    await client.query('insert into item values ($1, $2)', [id, v])
    versions.set(id, v)
    return { op: 'insert', id, v }
  }
  if (random < 0.1) {
    await client.query('delete from item where id = $1', [id])
    versions.delete(id)
    return { op: 'delete', id, v: current }
  }
  await client.query('update item set v = $2 where id = $1', [id, v])
  versions.set(id, v)
  return { op: 'update', id, v }
}

/** What a receiver got, compared with what was committed. Every list is empty when all is well. */
export interface Verdict {
  readonly lost: string[]
  readonly phantom: string[]
  readonly misordered: string[]
  readonly changedBytes: string[]
  readonly duplicates: number
}

/** Compares by row: first deliveries in commit order, nothing missing, nothing extra, repeats with the same id and bytes. */
export function judge(committed: readonly Committed[], requests: readonly Received[]): Verdict {
  const firsts = new Map<string, Received>()
  const changedBytes: string[] = []
  let duplicates = 0
  for (const request of requests) {
    const id = String(request.headers['hook-delivery'])
    const first = firsts.get(id)
    if (first === undefined) firsts.set(id, request)
    else {
      duplicates++
      if (!first.body.equals(request.body)) changedBytes.push(id)
    }
  }
  const arrived = Map.groupBy([...firsts.values()].map(readChange), ({ id }) => id)
  const expected = Map.groupBy(committed, ({ id }) => id)
  const lost: string[] = []
  const phantom: string[] = []
  const misordered: string[] = []
  for (const id of new Set([...arrived.keys(), ...expected.keys()])) {
    const wanted = (expected.get(id) ?? []).map(name)
    const got = (arrived.get(id) ?? []).map(name)
    lost.push(...wanted.filter((change) => !got.includes(change)))
    phantom.push(...got.filter((change) => !wanted.includes(change)))
    if (wanted.length === got.length && wanted.some((change, at) => change !== got[at])) misordered.push(`row ${id}`)
  }
  return { lost, phantom, misordered, changedBytes, duplicates }
}

function readChange(request: Received): Committed {
  const { event, data } = JSON.parse(request.body.toString()) as { event: string; data: { id: number; v: number } }
  return { op: event.replace('item.', '') as Committed['op'], id: data.id, v: data.v }
}

function name({ op, id, v }: Committed): string {
  return `${op} ${id} v${v}`
}
