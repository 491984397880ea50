import type pg from 'pg'

/** Whether a transaction had ended, for all to see, at the time of asking; `xid` as the stream gives it, 32 bits. */
export type Finished = (xid: number) => boolean

/**
 * Asks which transactions have ended. The stream can be ahead of it: what a transaction did is decoded as soon as its
 * commit is in the WAL, and seen by others only after that, under synchronous replication a good while later.
 */
export async function readFinished(client: pg.ClientBase | pg.Pool): Promise<Finished> {
  const { rows } = await client.query<{ snapshot: string }>('select pg_current_snapshot()::text as snapshot')
  return parseFinished(rows[0]!.snapshot)
}

/** `'10:20:12,15'`: of those before 20 all but 12 and 15. */
export function parseFinished(snapshot: string): Finished {
  const [, xmax = '0', running = ''] = snapshot.split(':')
  const end = toXid(xmax)
  const open = new Set(running.split(',').filter(Boolean).map(toXid))
  return (xid) => ((xid - end) | 0) < 0 && !open.has(xid)
}

/** Snapshots count beyond 32 bits. */
function toXid(text: string): number {
  return Number(BigInt.asUintN(32, BigInt(text)))
}
