import { HookdError } from '../errors.ts'
import { formatLsn } from './lsn.ts'
import type { SlotState } from './slot.ts'
import type { OutputPlugin } from './start-replication.ts'
import { SlotActiveError } from './stream-error.ts'

/** Where the server stands, from IDENTIFY_SYSTEM and TIMELINE_HISTORY. */
export interface ServerPosition {
  readonly systemId: string
  readonly database: string
  readonly isStandby: boolean
  readonly timeline: number
  /** End of the WAL that is safely on disk. */
  readonly walEnd: bigint
  /** Timelines that the current one descends from, and where each was left. */
  readonly history: readonly { readonly timeline: number; readonly end: bigint }[]
}

/** What `hookd.progress` remembers of the slot. */
export interface StoredPosition {
  readonly systemId: string
  readonly timeline: number
  /** Everything before it is settled. */
  readonly lsn: bigint
  /** We have never confirmed anything beyond it. */
  readonly confirmLimit: bigint
}

export interface LsnRange {
  readonly from: bigint
  readonly to: bigint
}

/** What to do at start. `refused` is for the operator to decide; `gap` is the WAL whose changes nobody has seen. */
export type StartDecision =
  | { readonly kind: 'create' }
  | {
      readonly kind: 'start'
      readonly plugin: OutputPlugin
      readonly lsn: bigint
    }
  | { readonly kind: 'refused'; readonly error: HookdError; readonly gap: LsnRange | null }

export interface StartQuestion {
  readonly slotName: string
  /** `auto` takes whichever of the two the slot has. */
  readonly plugin: OutputPlugin | 'auto'
  /** Read last, so that what is recorded meanwhile does not look like the future of an older server. */
  readonly server: ServerPosition
  readonly slot: SlotState | null
  /** Read after `slot`, so that a confirmation in between does not look like somebody else's. */
  readonly stored: StoredPosition | null
}

/**
 * Decides where to start reading, so that nothing is skipped and nothing settled is read again. Throws SlotActiveError
 * while another process is creating the slot.
 */
export function decideStart(question: StartQuestion): StartDecision {
  const { slot, stored, slotName } = question
  return (
    checkSystem(question) ??
    (slot === null
      ? stored === null
        ? { kind: 'create' }
        : slotMissing(question, stored)
      : (checkSlot(question, slot) ??
        (stored === null
          ? start(slot, startOf(slot))
          : (checkMoved(slotName, slot, stored) ?? startFrom(question, slot, stored)))))
  )
}

function checkSystem({ slotName, server, stored }: StartQuestion): StartDecision | null {
  if (stored === null || stored.systemId === server.systemId) return null
  return refuse(
    'HOOKD_OTHER_SYSTEM',
    `the progress of slot "${slotName}" belongs to another cluster (system identifier ${stored.systemId}, this one is ` +
      `${server.systemId}), so that it is unknown what was sent. Correct DATABASE_URL; or, to send whatever happens ` +
      'from now on, run "hookd run --accept-gap".',
  )
}

function slotMissing({ slotName, server }: StartQuestion, stored: StoredPosition): StartDecision {
  return refuse(
    'HOOKD_SLOT_MISSING',
    `slot "${slotName}" does not exist any more; the last confirmed LSN is ${formatLsn(stored.lsn)}, the WAL now ends at ` +
      `${formatLsn(server.walEnd)}, and changes in between may be lost. Run "hookd run --accept-gap" to go on with a new ` +
      'slot. If the server was replaced by a standby: slots with failover = true come along (PostgreSQL 17).',
    { from: stored.lsn, to: server.walEnd },
  )
}

function checkSlot(question: StartQuestion, slot: SlotState): StartDecision | null {
  const { slotName, server, stored, plugin } = question
  if (slot.plugin === null || slot.database !== server.database) {
    const owner = slot.plugin === null ? 'physical replication' : `database "${slot.database ?? ''}"`
    return refuse('HOOKD_SLOT_FOREIGN', `slot "${slotName}" belongs to ${owner}. Choose another name with --slot.`)
  }
  if (!isOutputPlugin(slot.plugin) || (plugin !== 'auto' && plugin !== slot.plugin)) {
    const remedy = isOutputPlugin(slot.plugin)
      ? `Run with --plugin ${slot.plugin}, or with another --slot`
      : 'Choose another name with --slot'
    return refuse('HOOKD_SLOT_PLUGIN', `slot "${slotName}" uses the plugin ${slot.plugin}. ${remedy}.`)
  }
  if (slot.walStatus === 'lost' || slot.invalidationReason !== null) {
    const from = max(stored?.lsn ?? 0n, slot.confirmedFlush ?? 0n)
    return refuse(
      'HOOKD_SLOT_LOST',
      `slot "${slotName}" was invalidated (${slot.invalidationReason ?? 'its WAL was removed'}); changes between ` +
        `${formatLsn(from)} and ${formatLsn(server.walEnd)} are gone. Run "hookd run --accept-gap" to go on with a new ` +
        'slot, and raise max_slot_wal_keep_size.',
      { from, to: server.walEnd },
    )
  }
  return null
}

function checkMoved(slotName: string, slot: SlotState, stored: StoredPosition): StartDecision | null {
  const confirmed = startOf(slot)
  if (confirmed <= stored.confirmLimit) return null
  return refuse(
    'HOOKD_SLOT_MOVED',
    `slot "${slotName}" was moved to ${formatLsn(confirmed)} by somebody else; hookd confirmed ` +
      `${formatLsn(stored.confirmLimit)} at most, and changes in between are lost. Find out who reads the slot, then run ` +
      '"hookd run --accept-gap".',
    { from: stored.lsn, to: confirmed },
  )
}

/** The server starts at its own position if that is later, and it is never later than ours but by an idle confirm. */
function startFrom(question: StartQuestion, slot: SlotState, stored: StoredPosition): StartDecision {
  const { slotName, server } = question
  const confirmed = startOf(slot)
  if (stored.timeline !== server.timeline) {
    const left = server.history.find(({ timeline }) => timeline === stored.timeline)
    if (left === undefined) {
      return refuse(
        'HOOKD_OTHER_TIMELINE',
        `the progress of slot "${slotName}" is on timeline ${stored.timeline}, which timeline ${server.timeline} of this ` +
          'server does not descend from: it may be an older copy. Correct DATABASE_URL; or run "hookd run --accept-gap".',
      )
    }
    if (stored.lsn > left.end) return start(slot, confirmed)
  } else if (stored.lsn > server.walEnd) {
    return refuse(
      'HOOKD_PROGRESS_AHEAD',
      `the progress of slot "${slotName}" (${formatLsn(stored.lsn)}) lies beyond the end of the WAL ` +
        `(${formatLsn(server.walEnd)}): the server was restored from an older copy. Run "hookd run --accept-gap" to go ` +
        'on from where the slot is.',
    )
  }
  return start(slot, max(stored.lsn, confirmed))
}

/**
 * What was read up to `upto` (just past it) on `timeline` and never happened on this server, because it left that
 * timeline earlier: a failover that lost WAL. Null where nothing was lost.
 */
export function undoneBy(server: ServerPosition, timeline: number, upto: bigint): LsnRange | null {
  const left = server.history.find((before) => before.timeline === timeline)
  return left === undefined || upto <= left.end ? null : { from: left.end, to: upto }
}

/** A slot has no position until it is complete. */
function startOf(slot: SlotState): bigint {
  if (slot.confirmedFlush === null) throw new SlotActiveError(slot.name, slot.activePid)
  return slot.confirmedFlush
}

function start(slot: SlotState, lsn: bigint): StartDecision {
  return { kind: 'start', plugin: slot.plugin as OutputPlugin, lsn }
}

function refuse(code: `HOOKD_${string}`, message: string, gap: LsnRange | null = null): StartDecision {
  return { kind: 'refused', error: new HookdError(code, message), gap }
}

function isOutputPlugin(plugin: string): plugin is OutputPlugin {
  return plugin === 'wal2json' || plugin === 'pgoutput'
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
