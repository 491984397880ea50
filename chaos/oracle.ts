import type { Cluster } from './cluster.ts'
import type { ChangeFact, History, KeptFact } from './history.ts'

const PAGE = 20_000
/** 2000-01-01, where Postgres counts from, in microseconds since 1970. */
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000n

interface CommitRow {
  readonly xid: string
  readonly data: Buffer
}

/**
 * What was committed, and in which order, without asking hookd: commits come from a slot of their own, the changes from
 * the journal.
 */
export class Oracle {
  readonly #cluster: Cluster
  readonly #history: History
  readonly #seen = new Set<string>()

  constructor(cluster: Cluster, history: History) {
    this.#cluster = cluster
    this.#history = history
  }

  /**
   * Records the commits that are new. They are looked at first and let go after that, so that an answer that is lost on
   * the way loses nothing; what a crash of the server makes it give again is left out.
   */
  async readCommits(): Promise<void> {
    for (;;) {
      // Byte 0 of a commit message of pgoutput is "C".
      const rows = await this.#cluster.query<CommitRow>(
        `select xid::text, data from pg_logical_slot_peek_binary_changes('chaos_oracle', null, $1,
           'proto_version', '1', 'publication_names', 'chaos_journal') where get_byte(data, 0) = 67`,
        [PAGE],
      )
      let end = ''
      for (const { xid, data } of rows) {
        // https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
        const commitLsn = lsnText(data.readBigUInt64BE(2))
        end = lsnText(data.readBigUInt64BE(10))
        if (this.#seen.has(commitLsn)) continue
        this.#seen.add(commitLsn)
        const committedAt = String(data.readBigInt64BE(18) + POSTGRES_EPOCH_MICROS)
        this.#history.add({ kind: 'transaction', xid: Number(xid), commitLsn, committedAt })
      }
      if (end === '') return
      await this.#cluster.query(`select pg_replication_slot_advance('chaos_oracle', $1::pg_lsn)`, [end])
    }
  }

  /** Records the changes of all transactions that committed. */
  async readJournal(): Promise<void> {
    let last = 0
    for (;;) {
      const rows = await this.#cluster.query<Omit<ChangeFact, 'kind' | 'seq' | 'xid'> & { seq: string; xid: string }>(
        `select seq::text, xid::text, source, op, old_row::text as old, new_row::text as new
         from chaos.journal where seq > $1 order by journal.seq limit 2000`,
        [last],
      )
      for (const row of rows) {
        last = Number(row.seq)
        this.#history.add({ kind: 'change', ...row, seq: last, xid: Number(row.xid) })
      }
      if (rows.length === 0) return
    }
  }

  /** Records what hookd keeps: dead letters with their reasons, what was cancelled, what still waits. */
  async readLedger(): Promise<void> {
    const rows = await this.#cluster.query<Omit<KeptFact, 'kind'>>(
      `select entry.id as delivery, entry.message_id as message, entry.subscriber_id as subscriber, entry.event,
         entry.state, entry.last_error as reason, convert_from(kept.body, 'UTF8') as body
       from hookd.deliveries as entry
       left join hookd.messages as kept on kept.id = entry.message_id and kept.variant = entry.variant
       where entry.state <> 'delivered'`,
    )
    for (const row of rows) this.#history.add({ kind: 'kept', ...row })
  }
}

function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`
}
