import type { Position } from './change.ts'
import { comparePositions, parsePosition } from './position.ts'

/** What the progress record says of the stretch behind the confirmed LSN that was read before; see `Progress`. */
export interface ResumePoint {
  readonly readUpto: string | null
  readonly open: Readonly<
    Record<string, { readonly from: { readonly position: string; readonly id: string } | null; readonly ids: readonly string[] }>
  >
}

interface Lane {
  readonly ids: ReadonlySet<string>
  readonly from: { readonly position: Position; readonly id: string } | null
  hasReachedFrom: boolean
}

/**
 * Tells, while the WAL behind the confirmed LSN is read again, what an earlier run has settled already.
 *
 * Up to `readUpto` a delivery is settled unless its subscriber's entry lists it or it lies at or behind the entry's
 * `from`. Deliveries of one subscriber must be asked about in stream order.
 */
export class Resume {
  readonly #readUpto: Position | null
  readonly #lanes: ReadonlyMap<string, Lane>

  constructor(point: ResumePoint) {
    this.#readUpto = point.readUpto === null ? null : parsePosition(point.readUpto)
    this.#lanes = new Map(
      Object.entries(point.open).map(([subscriberId, { from, ids }]) => [
        subscriberId,
        {
          ids: new Set(ids),
          from: from && { position: parsePosition(from.position), id: from.id },
          hasReachedFrom: false,
        },
      ]),
    )
  }

  /** Whether an earlier run dispatched the change at this position. */
  covers(position: Position): boolean {
    return this.#readUpto !== null && comparePositions(position, this.#readUpto) <= 0
  }

  /** Whether a delivery of a covered change needs nothing any more. */
  isSettled(position: Position, subscriberId: string, deliveryId: string): boolean {
    const lane = this.#lanes.get(subscriberId)
    if (lane === undefined) return true
    if (lane.from !== null && !lane.hasReachedFrom) {
      const order = comparePositions(position, lane.from.position)
      lane.hasReachedFrom = order > 0 || (order === 0 && deliveryId === lane.from.id)
    }
    return !lane.hasReachedFrom && !lane.ids.has(deliveryId)
  }
}
