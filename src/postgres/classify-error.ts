import { errorCode, SqlState } from './sqlstate.ts'

/**
 * What to do about an error of Postgres: `transient` goes away by itself (connect or try again), `auth` needs the
 * operator, `slot_active` is another process at work, `slot_lost` means that changes are gone, `fatal` is the rest.
 */
export type PostgresFailure = 'transient' | 'auth' | 'slot_lost' | 'slot_active' | 'fatal'

/** Classes of which every code is transient: connection, resources (disk, memory, connections), system. */
const TRANSIENT_CLASSES = new Set(['08', '53'])

const TRANSIENT: ReadonlySet<string> = new Set([
  SqlState.readOnlyTransaction, // a primary that became a standby
  SqlState.serializationFailure,
  SqlState.deadlockDetected,
  SqlState.lockNotAvailable,
  SqlState.queryCanceled,
  SqlState.adminShutdown,
  SqlState.crashShutdown,
  SqlState.cannotConnectNow,
  '57P05', // idle_session_timeout
  '25P03', // idle_in_transaction_session_timeout
  SqlState.ioError,
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT', // the server's socket file
  'EMFILE',
  'ENFILE',
])

/** Errors that the driver throws without a code. */
const TRANSIENT_MESSAGE =
  /^(Connection terminated|Connection ended|timeout expired|timeout exceeded|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/

/**
 * Sorts an error of the driver by what to do about it.
 *
 * In the context of replication 55000 and 42704 can mean that the slot is gone; elsewhere they are plain mistakes.
 */
export function classifyPostgresError(error: unknown, context: 'query' | 'replication' = 'query'): PostgresFailure {
  if (!(error instanceof Error)) return 'fatal'
  const code = errorCode(error)
  if (code === null) return TRANSIENT_MESSAGE.test(error.message) ? 'transient' : 'fatal'
  if (code === SqlState.configurationLimitExceeded) return 'fatal'
  if (TRANSIENT.has(code) || isOfClass(code, TRANSIENT_CLASSES)) return 'transient'
  if (isClosedDatabase(error)) return 'transient'
  if (code.startsWith('28')) return 'auth'
  if (code === SqlState.objectInUse) return 'slot_active'
  return context === 'replication' && isSlotLost(code, error) ? 'slot_lost' : 'fatal'
}

/** `ALTER DATABASE … ALLOW_CONNECTIONS false`: it has the code of a lost slot, but an operator does it and undoes it. */
export function isClosedDatabase(error: Error): boolean {
  return (
    errorCode(error) === SqlState.objectNotInPrerequisiteState &&
    'routine' in error &&
    error.routine === 'CheckMyDatabase'
  )
}

function isOfClass(code: string, classes: ReadonlySet<string>): boolean {
  return code.length === 5 && classes.has(code.slice(0, 2))
}

/** The routine, unlike the message, is the same in every language. */
function isSlotLost(code: string, error: Error): boolean {
  const routine = 'routine' in error && typeof error.routine === 'string' ? error.routine : ''
  switch (code) {
    case SqlState.undefinedObject:
      return !/publication/i.test(routine)
    case SqlState.objectNotInPrerequisiteState:
      return !/CheckLogicalDecoding|CheckSlotRequirements/.test(routine) // wal_level
    case SqlState.undefinedFile:
      return /wal_?s(egment|nd)|WALRead|XLogFile/i.test(routine) // a removed WAL segment, not a missing plugin
    default:
      return false
  }
}
