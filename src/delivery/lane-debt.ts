import type { Delivery, Parcel } from './delivery.ts'
import type { LaneBacklog } from './lane-backlog.ts'

/** What a lane still owes of what it was handed from the stream; see `Progress`. */
export interface LaneDebt {
  /** The first delivery that waits untouched: all of later changes are unsettled. */
  readonly from: Delivery | null
  /** Unsettled deliveries ahead of `from`, and of the same change as `from`. */
  readonly ids: readonly string[]
}

type Waiting = Pick<LaneBacklog, 'blocked' | 'unstored'>

/** What is neither settled nor stored; null where there is nothing. */
export function debtOf(parcels: Iterable<Parcel>, backlog: Waiting): LaneDebt | null {
  const ids: string[] = []
  for (const { deliveries } of parcels) addUnstored(ids, deliveries)
  addUnstored(ids, backlog.blocked())
  let from: Delivery | null = null
  for (const delivery of backlog.unstored()) {
    if (from !== null && !isSameChange(from, delivery)) break
    from ??= delivery
    ids.push(delivery.id)
  }
  return ids.length === 0 ? null : { from, ids }
}

/** Monotonic milliseconds since when the WAL has been needed for a delivery; Infinity where it is for none. */
export function oldestUnstored(parcels: Iterable<Parcel>, backlog: Waiting): number {
  let oldest = Infinity
  for (const { deliveries } of parcels) oldest = Math.min(oldest, oldestOf(deliveries))
  oldest = Math.min(oldest, oldestOf(backlog.blocked()))
  for (const { receivedAt } of backlog.unstored()) return Math.min(oldest, receivedAt)
  return oldest
}

function addUnstored(ids: string[], deliveries: Iterable<Delivery>): void {
  for (const { id, stored } of deliveries) if (!stored) ids.push(id)
}

function oldestOf(deliveries: Iterable<Delivery>): number {
  let oldest = Infinity
  for (const { stored, receivedAt } of deliveries) if (!stored) oldest = Math.min(oldest, receivedAt)
  return oldest
}

function isSameChange({ message: a }: Delivery, { message: b }: Delivery): boolean {
  return a.ordinal === b.ordinal && a.lsn === b.lsn && a.transaction.commitLsn === b.transaction.commitLsn
}
