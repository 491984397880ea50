import { failing, type Finding, ok, warning } from './finding.ts'
import { quoteIdentifier } from './quote.ts'
import type { SchemaState } from './schema-state.ts'
import { type ServerFacts, warnOfVersion } from './server.ts'

/** What hookd is about to need of the server. */
export interface ServerNeeds {
  readonly slot: string
  /** The slot as it is; null where it has to be created. */
  readonly slotIs: { readonly active: boolean } | null
  readonly database: string
  /** Standbys are to keep a copy of the slot. */
  readonly failoverSlot: boolean
}

/** The first version in which standbys can keep a copy of a slot. */
const FAILOVER_SINCE = 170_000

const RESTART = 'and restart PostgreSQL (on a managed server: in its parameter group)'

/** Judges the server itself: version, WAL level, recovery, free slots and senders, WAL limit. */
export function judgeServer(facts: ServerFacts, { slot, slotIs, failoverSlot }: ServerNeeds): Finding[] {
  return [
    judgeVersion(facts),
    judgeRecovery(facts),
    judgeEncoding(facts),
    judgeWalLevel(facts),
    ...freeSlots(),
    freeSenders(),
    judgeKeepSize(facts),
    ...(failoverSlot ? judgeFailover(facts) : []),
  ]

  function freeSlots(): Finding[] {
    if (slotIs !== null) return []
    const { used, max } = facts.slots
    const numbers = `${used} of max_replication_slots = ${max} are in use`
    if (used < max) return [ok('HOOKD_SLOT_LIMIT', `a replication slot is free: ${numbers}`)]
    const fix = `ALTER SYSTEM SET max_replication_slots = ${max + 1}; ${RESTART}; or drop one that nobody uses:\n  SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '…' AND NOT active;`
    return [
      failing('HOOKD_SLOT_LIMIT', `no replication slot is free for "${slot}": ${numbers}, and hookd needs one`, fix),
    ]
  }

  function freeSenders(): Finding {
    const { used, max } = facts.walSenders
    const numbers = `${used} of max_wal_senders = ${max} are in use`
    if (used < max) return ok('HOOKD_SENDER_LIMIT', `a WAL sender is free: ${numbers}`)
    const fix = `ALTER SYSTEM SET max_wal_senders = ${max + 2}; ${RESTART}`
    const judge = slotIs?.active === true ? warning : failing
    return judge('HOOKD_SENDER_LIMIT', `no WAL sender is free: ${numbers}, and hookd needs one`, fix)
  }
}

function judgeVersion({ version, versionText }: ServerFacts): Finding {
  const complaint = warnOfVersion(version)
  return complaint === null
    ? ok('HOOKD_SERVER_VERSION', `PostgreSQL ${versionText}`)
    : warning('HOOKD_SERVER_VERSION', complaint.replace(/\.$/, ''))
}

function judgeRecovery({ inRecovery }: ServerFacts): Finding {
  if (!inRecovery) return ok('HOOKD_STANDBY', 'the server is a primary')
  return failing(
    'HOOKD_STANDBY',
    'the server is a standby, where nothing can be written',
    'Name the primary in DATABASE_URL.',
  )
}

/** What hookd records is Unicode, which other encodings cannot hold. */
function judgeEncoding({ encoding }: ServerFacts): Finding {
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return ok('HOOKD_ENCODING', `the encoding is ${encoding}`)
  return failing(
    'HOOKD_ENCODING',
    `the encoding of the database is ${encoding}, which cannot hold what hookd records`,
    "Move to a database that was created with ENCODING 'UTF8'.",
  )
}

/** From PostgreSQL 19 on a slot raises `replica` by itself. */
function judgeWalLevel({ walLevel, version }: ServerFacts): Finding {
  if (walLevel === 'logical' || (version >= 190_000 && walLevel === 'replica')) {
    return ok('HOOKD_WAL_LEVEL', `wal_level is ${walLevel}`)
  }
  return failing(
    'HOOKD_WAL_LEVEL',
    `wal_level is "${walLevel}", so that the WAL does not hold what hookd reads`,
    `ALTER SYSTEM SET wal_level = logical; ${RESTART}`,
  )
}

function judgeKeepSize({ maxSlotWalKeepSize }: ServerFacts): Finding {
  if (maxSlotWalKeepSize !== '-1') return ok('HOOKD_WAL_UNBOUNDED', `max_slot_wal_keep_size is ${maxSlotWalKeepSize}`)
  return warning(
    'HOOKD_WAL_UNBOUNDED',
    'max_slot_wal_keep_size is not set: while hookd is down, the server keeps WAL until its disk is full',
    "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();",
  )
}

function judgeFailover({ version, versionText }: ServerFacts): Finding[] {
  if (version >= FAILOVER_SINCE) return []
  const message = `standbys keep a copy of a slot since PostgreSQL 17, and this is ${versionText}`
  return [failing('HOOKD_FAILOVER_SLOT', message, 'Run without --failover-slot, or upgrade PostgreSQL.')]
}

/** Judges what the role may do: replicate, migrate, and write what the daemon writes. */
export function judgeRole({ role }: ServerFacts, schema: SchemaState, { database }: ServerNeeds): Finding[] {
  const name = quoteIdentifier(role.name)
  return [judgeReplication(), ...judgeSchema(), ...judgeGrants()]

  function judgeReplication(): Finding {
    if (role.replication) return ok('HOOKD_NO_REPLICATION', `role ${name} may replicate`)
    return failing(
      'HOOKD_NO_REPLICATION',
      `role ${name} may not open a replication connection`,
      `ALTER ROLE ${name} REPLICATION; (on Amazon RDS: GRANT rds_replication TO ${name};)`,
    )
  }

  function judgeSchema(): Finding[] {
    const { pending, exists, owned, owner } = schema
    if (pending === null) return [] // the missing grant says it
    if (pending.length === 0) return [ok('HOOKD_SCHEMA', 'the schema hookd is up to date')]
    if (owned || (!exists && role.createInDatabase)) {
      return [ok('HOOKD_SCHEMA', `${pendingMessage()}; hookd run sees to it, or hookd migrate`)]
    }
    if (exists)
      return [failing('HOOKD_SCHEMA', `${pendingMessage()}, and ${name} does not own it`, `hookd migrate, as ${owner}`)]
    return [
      failing(
        'HOOKD_SCHEMA',
        `the schema hookd is missing, and ${name} may not create it`,
        `GRANT CREATE ON DATABASE ${quoteIdentifier(database)} TO ${name};`,
      ),
    ]

    function pendingMessage(): string {
      return exists
        ? `the schema hookd is not up to date (${pending?.join(', ')})`
        : 'the schema hookd is not installed yet'
    }
  }

  function judgeGrants(): Finding[] {
    const { missing, blind } = schema
    const found = missing.map(({ privileges, object }) =>
      failing(
        'HOOKD_GRANT',
        `role ${name} lacks ${privileges} on ${object}`,
        `GRANT ${privileges} ON ${object} TO ${name};`,
      ),
    )
    if (!blind) return found
    const message = `row level security hides every subscriber from role ${name}`
    return [...found, failing('HOOKD_ROW_SECURITY', message, `GRANT hookd_daemon TO ${name}; (after sql/roles.sql)`)]
  }
}
