/** Counts what one transaction still waits for. */
export class ConfirmToken {
  /** @internal */ endLsn: bigint | null = null
  /** @internal */ unsettled = 0
  /** @internal */ next: ConfirmToken | null = null
  readonly #rule: { advance(): void }

  constructor(rule: { advance(): void }) {
    this.#rule = rule
  }

  /** One more delivery of this transaction has to be settled. */
  open(): void {
    this.unsettled += 1
  }

  /** One delivery is answered, stored, or nobody's. Throws on more than were opened. */
  settle(): void {
    if (this.unsettled === 0) throw new Error('a transaction settled more deliveries than it had')
    this.unsettled -= 1
    if (this.unsettled === 0 && this.endLsn !== null) this.#rule.advance()
  }
}

/**
 * How far the slot may be confirmed: the end LSN of the last transaction such that it and all before it were read to
 * their end and have every delivery settled.
 *
 * It never goes back. Transactions come in commit order, one at a time. Everything costs amortised constant time.
 */
export class ConfirmRule {
  #confirmable: bigint
  #oldest: ConfirmToken | null = null
  #newest: ConfirmToken | null = null

  /** `start`: where reading starts, 0n where nothing was confirmed yet. */
  constructor(start: bigint) {
    this.#confirmable = start
  }

  get confirmable(): bigint {
    return this.#confirmable
  }

  /** Whether nothing is being read and nothing unsettled. */
  get isIdle(): boolean {
    return this.#oldest === null
  }

  /** A transaction begins; deliveries may be opened and settled from now on. Throws while another one is not committed. */
  begin(): ConfirmToken {
    if (this.#newest !== null && this.#newest.endLsn === null) {
      throw new Error('a transaction began before the one ahead of it was committed')
    }
    const token = new ConfirmToken(this)
    if (this.#newest === null) this.#oldest = token
    else this.#newest.next = token
    this.#newest = token
    return token
  }

  /** The transaction was read to its end, just before `endLsn`: no delivery will be opened any more. */
  commit(token: ConfirmToken, endLsn: bigint): void {
    if (token.endLsn !== null) throw new Error('a transaction was committed twice')
    token.endLsn = endLsn
    if (token.unsettled === 0) this.advance()
  }

  /**
   * The server has nothing more to send before `walEnd`: where nothing is open, that may be confirmed, so that an idle
   * slot does not keep the WAL of other databases and tables.
   */
  idle(walEnd: bigint): void {
    if (this.#oldest === null && walEnd > this.#confirmable) this.#confirmable = walEnd
  }

  /** @internal */
  advance(): void {
    let token = this.#oldest
    while (token !== null && token.endLsn !== null && token.unsettled === 0) {
      if (token.endLsn > this.#confirmable) this.#confirmable = token.endLsn
      token = token.next
    }
    this.#oldest = token
    if (token === null) this.#newest = null
  }
}
