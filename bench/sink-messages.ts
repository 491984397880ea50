/** What the sink is to expect from now on; all counts start again. */
export interface Order {
  /** So many messages are the end. */
  readonly total: number
  /** Reported when so many have come: what came before was warm-up. */
  readonly markAt: number
  /** Indexes of ports whose messages do not count. */
  readonly uncounted: readonly number[]
  /** Indexes of ports that read and never answer. */
  readonly hanging: readonly number[]
  /** Requests are answered 500 for so long after the first one, milliseconds; their messages do not count. */
  readonly failForMs: number
  /** Whether to note for each message how long after its commit it came. */
  readonly latency: boolean
}

/** What the sink tells; `at` is in milliseconds by its own clock. */
export type Report =
  | { readonly kind: 'open'; readonly ports: readonly number[] }
  | { readonly kind: 'mark'; readonly at: number; readonly counted: number }
  | {
      readonly kind: 'done'
      readonly at: number
      readonly counted: number
      /** With those that were refused. */
      readonly requests: number
      /** Of all bodies together. */
      readonly bytes: number
      readonly latencies: readonly number[]
    }
