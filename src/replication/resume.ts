import type { Position } from './change.ts'
import { comparePositions, formatPosition, parsePosition } from './position.ts'

/** What the progress record says of the stretch behind the confirmed LSN that was read before; see `Progress`. */
export interface ResumePoint {
  readonly readUpto: string | null
  readonly open: OpenBySubscriber
}

type OpenBySubscriber = Readonly<Record<string, Open>>

interface Open {
  readonly from: { readonly position: string; readonly id: string } | null
  readonly ids: readonly string[]
}

interface Lane {
  /** Unsettled, and not handed out yet. */
  readonly ids: Set<string>
  readonly from: { readonly position: Position; readonly id: string } | null
  hasReachedFrom: boolean
}

/** Stands for no delivery of the change at a position: what is unsettled begins behind it. */
const NO_DELIVERY = ''

/**
 * Tells, while the WAL behind the confirmed LSN is read again, what an earlier run has settled already.
 *
 * Up to `readUpto` a delivery is settled unless its subscriber's entry lists it or it lies at or behind the entry's
 * `from`. Deliveries of one subscriber must be asked about once each, in stream order.
 */
export class Resume {
  readonly #readUpto: Position | null
  readonly #lanes: ReadonlyMap<string, Lane>
  #isOver: boolean

  constructor(point: ResumePoint) {
    this.#readUpto = point.readUpto === null ? null : parsePosition(point.readUpto)
    this.#isOver = this.#readUpto === null
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

  /** Whether a delivery of a covered change needs nothing any more; else the caller hands it out. */
  isSettled(position: Position, subscriberId: string, deliveryId: string): boolean {
    const lane = this.#lanes.get(subscriberId)
    if (lane === undefined) return true
    if (lane.from !== null && !lane.hasReachedFrom) {
      const order = comparePositions(position, lane.from.position)
      lane.hasReachedFrom = order > 0 || (order === 0 && deliveryId === lane.from.id)
    }
    return !lane.ids.delete(deliveryId) && !lane.hasReachedFrom
  }

  /** The stretch has been read again to its end, though its last change may not have come: from now on nothing is extended. */
  end(): void {
    this.#isOver = true
  }

  /**
   * The record to save while the stretch is being read again: `owed` of what this run has read, up to `lastRead`, and
   * beyond that what the earlier run said.
   */
  extend(lastRead: Position | null, owed: OpenBySubscriber): ResumePoint {
    const readUpto = this.#readUpto
    if (this.#isOver || readUpto === null || (lastRead !== null && comparePositions(lastRead, readUpto) >= 0)) {
      this.#isOver = true
      return { readUpto: lastRead && formatPosition(lastRead), open: owed }
    }
    const open: Record<string, Open> = { ...owed }
    for (const [subscriberId, lane] of this.#lanes) {
      const now = owed[subscriberId]
      const from = earlier(now?.from ?? null, fromAhead(lane, lastRead))
      if (from !== null || lane.ids.size > 0) open[subscriberId] = { from, ids: [...(now?.ids ?? []), ...lane.ids] }
    }
    return { readUpto: formatPosition(readUpto), open }
  }
}

/** From where on everything is unsettled, of what was not read again yet. */
function fromAhead(lane: Lane, lastRead: Position | null): Open['from'] {
  if (lane.from === null) return null
  const isAhead = lastRead === null || comparePositions(lane.from.position, lastRead) > 0
  if (isAhead) return { position: formatPosition(lane.from.position), id: lane.from.id }
  return { position: formatPosition(lastRead), id: NO_DELIVERY }
}

function earlier(a: Open['from'], b: Open['from']): Open['from'] {
  if (a === null || b === null) return a ?? b
  return comparePositions(parsePosition(a.position), parsePosition(b.position)) <= 0 ? a : b
}
