import pg from 'pg'
import { requireDatabaseUrl } from '../config/options.ts'
import type { Options } from '../config/option-table.ts'
import { HookdError } from '../errors.ts'
import { clientConfig, withClient } from '../postgres/connect.ts'
import { explainConnectError } from '../postgres/connect-error.ts'
import { SqlState } from '../postgres/sqlstate.ts'

/** Lends a connection; what goes wrong with it, or is refused over it, becomes a sentence with a next step. */
export async function withDatabase<T>(
  options: Pick<Options, 'databaseUrl'>,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const databaseUrl = requireDatabaseUrl(options)
  try {
    return await withClient(clientConfig(databaseUrl), (client) => {
      client.on('notice', ({ severity, message, hint }) => {
        if (severity === 'WARNING') console.error(`warning: ${message}${hint === undefined ? '' : `. ${hint}`}`)
      })
      return use(client)
    })
  } catch (error) {
    throw explainQueryError(error) ?? explainConnectError(error, databaseUrl)
  }
}

/** Classes whose messages are about what was asked for, in our functions and triggers or in Postgres itself. */
const ABOUT_THE_REQUEST = /^(22|23|55|57014|P0)/
const NOT_INSTALLED: ReadonlySet<string | undefined> = new Set(['3F000', '42P01', '42883'])

function explainQueryError(error: unknown): HookdError | null {
  if (!(error instanceof pg.DatabaseError)) return null
  const { code = '', message, hint } = error
  const cause = { cause: error }
  if (NOT_INSTALLED.has(code) && /hookd/.test(message)) {
    const sentence = 'the schema hookd is not installed in this database, or is an older one. Run "hookd migrate".'
    return new HookdError('HOOKD_NOT_INSTALLED', sentence, cause)
  }
  if (code === SqlState.insufficientPrivilege && !/replication|wal sender/i.test(message)) {
    const remedy = 'Run this as the owner of the schema hookd, or grant what is missing; sql/roles.sql shows how.'
    return new HookdError('HOOKD_PRIVILEGE', `${message}. ${remedy}`, cause)
  }
  if (!ABOUT_THE_REQUEST.test(code)) return null
  return new HookdError('HOOKD_REFUSED', hint === undefined ? message : `${message}\n${hint}`, cause)
}
