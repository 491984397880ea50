import { HookdError } from '../errors.ts'
import { isClosedDatabase } from './classify-error.ts'
import { describeTarget } from './connect.ts'
import { NoServerError } from './route.ts'
import { quoteIdentifier } from './quote.ts'
import { errorCode, SqlState } from './sqlstate.ts'

interface Target {
  readonly address: string
  readonly database: string
  readonly role: string
}

/** What went wrong and what to do about it. */
type Explanation = readonly [code: `HOOKD_${string}`, message: string]

/**
 * A failure to connect in words for somebody who has just set DATABASE_URL: names host, port, database and role, never
 * the password, and the next step. An error of another kind comes back as it is.
 */
export function explainConnectError(error: unknown, databaseUrl: string): unknown {
  if (!(error instanceof Error) || error instanceof HookdError) return error
  if (error instanceof NoServerError) return explainEach(error)
  const target = describeTarget(databaseUrl)
  const explanation = explainNetwork(error, target) ?? explainLogin(error, target) ?? explainTls(error, target)
  return explanation ? new HookdError(...explanation, { cause: error }) : error
}

/** Of several servers none could be taken: one line for each of them. */
function explainEach(error: NoServerError): HookdError {
  const each = error.tried.map(({ url, reason }) => {
    if (typeof reason !== 'string') return explainConnectError(reason, url)
    return new HookdError('HOOKD_STANDBY', `${describeTarget(url).address}: ${reason}.`)
  })
  const codes = new Set(each.map((one) => (one instanceof HookdError ? one.code : null)))
  const [code] = codes.size === 1 ? [...codes] : []
  const lines = each.map((one) => `\n  ${one instanceof Error ? one.message : String(one)}`)
  const message = `no server of DATABASE_URL fits target_session_attrs=${error.wanted}:${lines.join('')}`
  return new HookdError((code ?? 'HOOKD_DATABASE_UNREACHABLE') as `HOOKD_${string}`, message, { cause: error })
}

function explainNetwork(error: Error, { address }: Target): Explanation | null {
  const unreachable = (reason: string): Explanation => ['HOOKD_DATABASE_UNREACHABLE', `${address}: ${reason}`]
  switch (errorCode(error)) {
    case 'ECONNREFUSED':
      return unreachable('nothing listens there. Start Postgres, or correct host and port in DATABASE_URL.')
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unreachable('the host name cannot be resolved. Correct the host in DATABASE_URL.')
    case 'ENOENT':
      return unreachable('there is no such socket. Start Postgres, or correct the folder in DATABASE_URL.')
    case 'EACCES':
      return unreachable('the socket may not be opened. Run hookd as a user who may, or connect over TCP.')
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return unreachable('no answer. Check host and port in DATABASE_URL, firewalls, and that the server is up.')
    case 'ECONNRESET':
      return unreachable('the connection was cut while it was set up. Is it Postgres that listens there?')
    default:
  }
  if (error.message === 'timeout expired') return unreachable('no answer in time. Check host, port and firewalls.')
  if (error.message === 'Connection terminated unexpectedly') {
    return unreachable('the connection was closed while it was set up. Is it Postgres that listens there?')
  }
  return null
}

function explainLogin(error: Error, { address, database, role }: Target): Explanation | null {
  const said = error.message
  switch (errorCode(error)) {
    case SqlState.invalidPassword:
      return ['HOOKD_DATABASE_AUTH', `${address}: wrong password for role "${role}". Correct it in DATABASE_URL.`]
    case SqlState.invalidAuthorization: {
      const wantsTls = /no encryption|SSL off/.test(said)
      const remedy = wantsTls
        ? 'The server wants TLS: add ?sslmode=verify-full to DATABASE_URL.'
        : 'Correct the role in DATABASE_URL, or let it in with a line in pg_hba.conf.'
      return ['HOOKD_DATABASE_AUTH', `${address}: ${said}. ${remedy}`]
    }
    case SqlState.invalidCatalogName:
      return [
        'HOOKD_DATABASE_MISSING',
        `${address}: there is no database "${database}". Correct the name in DATABASE_URL, or create it.`,
      ]
    case SqlState.tooManyConnections:
      return [
        'HOOKD_DATABASE_BUSY',
        `${address}: ${said}. hookd needs about 8 connections and one of max_wal_senders; raise the limit it names.`,
      ]
    case SqlState.cannotConnectNow:
      return ['HOOKD_DATABASE_BUSY', `${address}: ${said}. Try again when it is up.`]
    case SqlState.insufficientPrivilege:
      return /wal sender|walsender/i.test(said)
        ? ['HOOKD_DATABASE_AUTH', `${said}. Run "ALTER ROLE ${quoteIdentifier(role)} REPLICATION;" as a superuser.`]
        : ['HOOKD_DATABASE_AUTH', `${address}: ${said}.`]
    default:
  }
  if (errorCode(error) === SqlState.protocolViolation && /startup parameter/i.test(said)) {
    const remedy = 'hookd needs sessions of its own and replication: put the address of the server into DATABASE_URL.'
    return ['HOOKD_DATABASE_POOLER', `${address}: ${said}. A connection pooler answers there, and ${remedy}`]
  }
  if (isClosedDatabase(error)) {
    const remedy = `As a superuser run "ALTER DATABASE ${quoteIdentifier(database)} ALLOW_CONNECTIONS true;".`
    return ['HOOKD_DATABASE_BUSY', `${address}: ${said}. ${remedy}`]
  }
  if (!/password must be a|no password/i.test(said)) return null
  return ['HOOKD_DATABASE_AUTH', `${address}: role "${role}" needs a password. Put it into DATABASE_URL.`]
}

function explainTls(error: Error, { address }: Target): Explanation | null {
  if (error.message === 'The server does not support SSL connections') {
    return ['HOOKD_DATABASE_TLS', `${address}: the server has no TLS. Remove sslmode from DATABASE_URL.`]
  }
  if (/establishing an SSL connection/.test(error.message)) {
    return ['HOOKD_DATABASE_TLS', `${address}: the answer to the request for TLS is not one of Postgres.`]
  }
  if (!/^(CERT_|ERR_TLS|ERR_SSL|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/.test(errorCode(error) ?? '')) return null
  return [
    'HOOKD_DATABASE_TLS',
    `${address}: ${error.message.split(';')[0]}. Add &sslrootcert=/path/to/ca.pem to DATABASE_URL; ` +
      'or, to encrypt without checking whom you talk to, ?sslmode=require&uselibpqcompat=true.',
  ]
}
