import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'

/**
 * One line of a history. Times (`at`, …) are milliseconds since the epoch. Rows are kept as the JSON text that Postgres
 * gave, because parsing would round their numbers.
 */
export type Fact =
  RunFact | TransactionFact | ChangeFact | RequestFact | KeptFact | FaultFact | DaemonFact | RemarkFact | EndFact

/** The first line. */
export interface RunFact {
  readonly kind: 'run'
  readonly seed: number
  readonly plugin: string
  readonly minutes: number
  readonly at: number
}

/** A transaction that committed and changed something that is watched. Their order is that of `commitLsn`. */
export interface TransactionFact {
  readonly kind: 'transaction'
  readonly xid: number
  readonly commitLsn: string
  /** Microseconds since the epoch, as text. */
  readonly committedAt: string
}

/** One row of the journal, written in the transaction that made the change. */
export interface ChangeFact {
  readonly kind: 'change'
  /** Grows within a transaction; says nothing about the order of transactions. */
  readonly seq: number
  readonly xid: number
  /** `public.item`, or `emit:note.sent`. */
  readonly source: string
  readonly op: 'insert' | 'update' | 'delete' | 'emit'
  readonly old: string | null
  readonly new: string | null
}

/** A request that arrived whole. */
export interface RequestFact {
  readonly kind: 'request'
  /** Order of arrival, counted from 1. */
  readonly seq: number
  readonly at: number
  readonly answeredAt: number
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** As UTF-8 text, or as base64 where the bytes are not valid UTF-8. */
  readonly body: string
  readonly encoding: 'utf8' | 'base64'
  /** What was answered; 0 where nothing was. */
  readonly status: number
  /** Whether the sender has a 2xx: `maybe` where the connection broke in the middle of it. */
  readonly success: 'yes' | 'maybe' | 'no'
}

/** A row of `hookd.deliveries` at the end. */
export interface KeptFact {
  readonly kind: 'kept'
  readonly delivery: string
  readonly message: string
  readonly subscriber: string
  readonly event: string
  readonly state: 'pending' | 'delivered' | 'dead' | 'cancelled'
  readonly reason: string | null
  readonly body: string | null
}

/** One fault, from its beginning over its end (`healedAt`) to the arrival of a row committed after that. */
export interface FaultFact {
  readonly kind: 'fault'
  readonly fault: string
  readonly at: number
  readonly healedAt: number
  /** How many times this fault killed hookd with -9. */
  readonly kills: number
  /** Null where the row had not arrived within the time that is waited for it. */
  readonly recoveredMs: number | null
  /** Another fault was going on meanwhile. */
  readonly overlaps: boolean
}

/** What happened to a hookd process. */
export interface DaemonFact {
  readonly kind: 'daemon'
  readonly at: number
  readonly pid: number
  readonly event: 'started' | 'ready' | 'killed' | 'frozen' | 'thawed' | 'terminated' | 'exited'
  readonly detail?: string
}

/** Something for people to read. */
export interface RemarkFact {
  readonly kind: 'remark'
  readonly at: number
  readonly text: string
}

/** The last line. */
export interface EndFact {
  readonly kind: 'end'
  readonly at: number
  /** WAL that hookd's slot had not confirmed, in bytes. */
  readonly lagBytes: number
  /** Everything was settled before the wait for it was given up. */
  readonly converged: boolean
}

/** Writes a history, one fact a line. */
export class History {
  readonly file: string
  readonly #stream: WriteStream

  constructor(file: string) {
    this.file = file
    this.#stream = createWriteStream(file)
  }

  add(fact: Fact): void {
    // readline would also break lines at these two.
    const line = JSON.stringify(fact)
      .replaceAll('\u2028', String.raw`\u2028`)
      .replaceAll('\u2029', String.raw`\u2029`)
    this.#stream.write(`${line}\n`)
  }

  remark(text: string): void {
    this.add({ kind: 'remark', at: Date.now(), text })
  }

  async close(): Promise<void> {
    this.#stream.end()
    await finished(this.#stream)
  }
}

/** Reads a history that is closed. */
export async function* readHistory(file: string): AsyncGenerator<Fact> {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    if (line !== '') yield JSON.parse(line) as Fact
  }
}
