import { HookdError } from '../errors.ts'
import { classifyPostgresError } from '../postgres/classify-error.ts'
import { errorCode, SqlState } from '../postgres/sqlstate.ts'
import { formatLsn } from './lsn.ts'

/** The slot is in use by another process: wait for it. */
export class SlotActiveError extends Error {
  override readonly name = 'SlotActiveError'
  readonly code = SqlState.objectInUse
  /** The walsender of whoever holds it, as far as the server said. */
  readonly holderPid: number | null

  constructor(slot: string, holderPid: number | null, options?: ErrorOptions) {
    const holder = holderPid === null ? 'another process' : `the server process ${holderPid}`
    super(`slot "${slot}" is in use by ${holder}`, options)
    this.holderPid = holderPid
  }
}

/** A connection that we gave up ourselves; SQLSTATE 08006, so that it counts as transient. */
export function interrupted(reason: string): Error {
  return Object.assign(new Error(reason), { code: SqlState.connectionFailure })
}

/**
 * What ended a stream, in hookd's terms: SlotActiveError, a HookdError where the operator has to act (HOOKD_SLOT_LOST,
 * HOOKD_PUBLICATION_LOST, HOOKD_PLUGIN_MISSING), or the error as it is.
 */
export function explainStreamError(error: unknown, slot: string, confirmed: bigint): unknown {
  if (!(error instanceof Error) || error instanceof HookdError) return error
  const routine = 'routine' in error && typeof error.routine === 'string' ? error.routine : ''
  if (errorCode(error) === SqlState.undefinedObject && /publication/i.test(routine)) {
    return new HookdError(
      'HOOKD_PUBLICATION_LOST',
      `${error.message} at a point of the WAL that slot "${slot}" has yet to read, and creating it now does not change ` +
        `the past. Changes after ${formatLsn(confirmed)} cannot be read with pgoutput: run "hookd check", then ` +
        '"hookd run --accept-gap" to go on with a new slot.',
      { cause: error },
    )
  }
  if (errorCode(error) === SqlState.undefinedFile && /library|load/i.test(routine)) {
    return new HookdError(
      'HOOKD_PLUGIN_MISSING',
      `slot "${slot}" needs an output plugin that the server does not have any more (${error.message}). Install it again.`,
      { cause: error },
    )
  }
  switch (classifyPostgresError(error, 'replication')) {
    case 'slot_active':
      return new SlotActiveError(slot, holderIn(error.message), { cause: error })
    case 'slot_lost':
      return new HookdError(
        'HOOKD_SLOT_LOST',
        `slot "${slot}" is gone (${error.message}); changes after ${formatLsn(confirmed)} are lost. Run "hookd check" to ` +
          'see the gap, then "hookd run --accept-gap" to go on with a new slot.',
        { cause: error },
      )
    default:
      return error
  }
}

/** In every language the number comes last: `replication slot "hookd" is active for PID 4711`. */
function holderIn(message: string): number | null {
  const match = /(\d+)\D*$/.exec(message)
  return match === null ? null : Number(match[1])
}
