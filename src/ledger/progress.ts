/**
 * How far the slot is settled: every delivery of a change up to `readUpto` is settled, except those in `open`; and every
 * transaction up to `lsn` is settled without exception, so that `lsn` may be confirmed.
 */
export interface Progress {
  readonly lsn: bigint
  /** Position of the last change that was dispatched; null where nothing lies beyond `lsn`. */
  readonly readUpto: string | null
  /** By subscriber: what was handed out and is neither answered nor stored. */
  readonly open: Readonly<Record<string, OpenDeliveries>>
}

export interface OpenDeliveries {
  /** Everything from this delivery on is unsettled. */
  readonly from: { readonly position: string; readonly id: string } | null
  readonly ids: readonly string[]
}

/** The subscribers as of `Progress.lsn`, saved along with it: rows by id as column texts, and ids that are gone. */
export interface DirectoryChanges {
  readonly saved: ReadonlyMap<string, Readonly<Record<string, string | null>>>
  readonly removed: readonly string[]
}
