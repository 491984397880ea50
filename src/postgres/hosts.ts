import { HookdError } from '../errors.ts'

/** What a server must be to be connected to, in the words of libpq. */
const SESSION_ATTRS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const

export type SessionAttrs = (typeof SESSION_ATTRS)[number]

/** The servers that a database URL names. */
export interface Hosts {
  /** One URL a server, in the order to try them. */
  readonly urls: readonly [string, ...string[]]
  /** Null where the one server there is gets taken as it is. */
  readonly wanted: SessionAttrs | null
}

/** What a server says of itself. */
export interface SessionFacts {
  readonly isStandby: boolean
  readonly isReadOnly: boolean
}

/** Up to the hosts, the hosts, and the rest: an `@` within the password is percent-encoded or not. */
const URL_PARTS = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s

/**
 * `postgres://me@a:5432,b:5433/app?target_session_attrs=primary` -> the URLs of `a` and of `b`, and `primary`. Of several
 * servers hookd wants the one that takes writes, unless told otherwise. Throws HookdError HOOKD_DATABASE_URL.
 *
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 */
export function parseHosts(databaseUrl: string): Hosts {
  const [, start = '', list = '', rest = ''] = URL_PARTS.exec(databaseUrl) ?? []
  const [first = '', ...others] = list.split(',')
  const asked = new URLSearchParams(/\?([^#]*)/.exec(rest)?.[1] ?? '').get('target_session_attrs')
  if (others.length === 0 && asked === null) return { urls: [databaseUrl], wanted: null }
  const urlOf = (host: string): string => start + host + withoutAttrs(rest)
  return { urls: [urlOf(first), ...others.map(urlOf)], wanted: parseAttrs(asked ?? 'read-write') }
}

/** Why a server is not the one that is wanted, or null. */
export function unfitness(wanted: SessionAttrs, { isStandby, isReadOnly }: SessionFacts): string | null {
  switch (wanted) {
    case 'any':
      return null
    case 'read-write':
      if (isStandby) return 'it is a standby'
      return isReadOnly ? 'its sessions are read-only (default_transaction_read_only)' : null
    case 'read-only':
      return isReadOnly || isStandby ? null : 'it is read-write'
    case 'primary':
      return isStandby ? 'it is a standby' : null
    case 'standby':
    case 'prefer-standby':
      return isStandby ? null : 'it is a primary'
  }
}

function parseAttrs(text: string): SessionAttrs {
  const attrs = SESSION_ATTRS.find((known) => known === text)
  if (attrs !== undefined) return attrs
  throw new HookdError(
    'HOOKD_DATABASE_URL',
    `target_session_attrs in the database URL must be ${SESSION_ATTRS.join(', ')}, not ${JSON.stringify(text)}.`,
  )
}

function withoutAttrs(rest: string): string {
  return rest.replace(/([?&])target_session_attrs=[^&#]*(&?)/, (_, before: string, after: string) =>
    after === '' ? '' : before,
  )
}
