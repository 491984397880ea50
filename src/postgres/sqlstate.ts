/**
 * The SQLSTATE codes that hookd tells apart, by their names.
 *
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const SqlState = {
  connectionException: '08000',
  cannotEstablishConnection: '08001',
  connectionFailure: '08006',
  protocolViolation: '08P01',
  readOnlyTransaction: '25006',
  invalidAuthorization: '28000',
  invalidPassword: '28P01',
  invalidCatalogName: '3D000',
  undefinedSchema: '3F000',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  insufficientPrivilege: '42501',
  invalidName: '42602',
  undefinedObject: '42704',
  duplicateObject: '42710',
  undefinedTable: '42P01',
  tooManyConnections: '53300',
  configurationLimitExceeded: '53400',
  objectNotInPrerequisiteState: '55000',
  objectInUse: '55006',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  databaseDropped: '57P04',
  ioError: '58030',
  undefinedFile: '58P01',
} as const

/** The `code` of an error of Postgres or of Node, or null. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}
