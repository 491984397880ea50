import type { Delivery } from '../delivery/delivery.ts'
import type { LaneDebt } from '../delivery/lane-debt.ts'
import type { OpenDeliveries } from '../ledger/progress.ts'
import type { Position } from '../replication/change.ts'
import { parseLsn } from '../replication/lsn.ts'
import { comparePositions, formatPosition } from '../replication/position.ts'

/** Deliveries of one subscriber that are named one by one; of more than that only the earliest position is kept. */
const MOST_NAMED = 200

interface Debt {
  readonly ids: string[]
  from: { readonly position: Position; readonly id: string } | null
}

/**
 * What is owed by subscriber: the debts of the lanes, and what waits in the ledger's queue and is not stored yet.
 *
 * Naming a position instead of thousands of deliveries means that some behind it may be sent again after a crash; it
 * never means that one is forgotten.
 */
export function owedBySubscriber(
  debts: Iterable<readonly [string, LaneDebt]>,
  unstored: Iterable<Delivery>,
): Record<string, OpenDeliveries> {
  const owed = new Map<string, Debt>()
  for (const [id, { ids, from }] of debts) {
    owed.set(id, { ids: [...ids], from: from && { position: positionOf(from), id: from.id } })
  }
  for (const delivery of unstored) {
    let debt = owed.get(delivery.subscriberId)
    if (debt === undefined) owed.set(delivery.subscriberId, (debt = { ids: [], from: null }))
    if (debt.ids.length < MOST_NAMED) debt.ids.push(delivery.id)
    else startFrom(debt, delivery)
  }
  return Object.fromEntries([...owed].map(([id, debt]) => [id, printed(debt)]))
}

/** Everything of later changes than `from` is unsettled; deliveries of the same change as `from` are still named. */
function startFrom(debt: Debt, delivery: Delivery): void {
  const { from } = debt
  if (from !== null && delivery.message.transaction.commitLsn > from.position.commitLsn) return
  const position = positionOf(delivery)
  const order = from === null ? -1 : comparePositions(position, from.position)
  if (order <= 0) debt.ids.push(delivery.id)
  if (order < 0) debt.from = { position, id: delivery.id }
}

function printed({ ids, from }: Debt): OpenDeliveries {
  return { ids, from: from && { position: formatPosition(from.position), id: from.id } }
}

function positionOf({ message }: Delivery): Position {
  const { transaction, lsn, ordinal } = message
  return { commitLsn: transaction.commitLsn, lsn: parseLsn(lsn), ordinal }
}
