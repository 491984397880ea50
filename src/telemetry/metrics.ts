import { Counter, Gauge, Registry } from 'prom-client'
import { Histogram } from './histogram.ts'

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600]

/** Read when somebody asks for the metrics. */
export interface Gauges {
  /** Bytes of WAL beyond what is settled. */
  lagBytes(): number
  /** Age of the oldest change that is not settled, or of the last one read while reading. */
  lagSeconds(): number
  /** 1 while this process holds the slot. */
  active(): number
  lanes(): { readonly direct: number; readonly spilled: number; readonly disabled: number }
  heldBytes(): number
  subscribers(): number
  /** WAL that the server keeps because of the slot, in bytes; NaN before the first look. */
  slotKeptBytes(): number
  /** WAL until the slot is in danger, in bytes; NaN where the server sets no limit. */
  slotSafeBytes(): number
  /** `reserved`, `extended`, `unreserved` or `lost`; null before the first look. */
  slotStatus(): string | null
}

const SLOT_STATUSES = ['reserved', 'extended', 'unreserved', 'lost']

/** The Prometheus metrics of one daemon. Labels never hold URLs, secrets or values of rows. */
export class Metrics {
  readonly registry = new Registry()
  /** By event and by outcome since somebody last asked: a counter's own labels cost more than what it counts. */
  readonly #matches = new Map<string, number>()
  readonly #outcomes = new Map<string, number>()
  readonly #attempts: Histogram
  readonly #latency: Histogram
  readonly #errors: Counter
  readonly #spills: Counter
  readonly #reconnects: Counter

  constructor(gauges: Gauges) {
    const registers = [this.registry]
    tallied('hookd_messages_total', 'Matches of events.', 'event', this.#matches)
    const outcomes = 'Attempts by what they came to: delivered, retry, dead, gone, uncharged.'
    tallied('hookd_deliveries_total', outcomes, 'outcome', this.#outcomes)
    this.#attempts = new Histogram({
      name: 'hookd_attempt_duration_seconds',
      help: 'From the start of a request to the end of its answer.',
      label: 'class',
      bounds: SECONDS,
    })
    this.#latency = new Histogram({
      name: 'hookd_commit_to_delivered_seconds',
      help: 'From the commit to the 2xx answer.',
      label: null,
      bounds: SECONDS,
    })
    this.registry.registerMetric(this.#attempts.metric)
    this.registry.registerMetric(this.#latency.metric)
    this.#errors = new Counter({
      name: 'hookd_errors_total',
      help: 'Rows of hookd.errors.',
      labelNames: ['kind'],
      registers,
    })
    this.#spills = new Counter({
      name: 'hookd_spills_total',
      help: 'Lanes that moved to the ledger.',
      labelNames: ['reason'],
      registers,
    })
    this.#reconnects = new Counter({
      name: 'hookd_reconnects_total',
      help: 'Times the slot was opened again.',
      registers,
    })
    gauge('hookd_lag_bytes', 'WAL beyond what is settled, in bytes.', () => gauges.lagBytes())
    gauge('hookd_lag_seconds', 'Age of the oldest change that is not settled, in seconds.', () => gauges.lagSeconds())
    gauge('hookd_active', '1 while this process holds the slot, 0 while it stands by.', () => gauges.active())
    gauge('hookd_held_bytes', 'Payload held in memory, in bytes.', () => gauges.heldBytes())
    gauge('hookd_subscribers', 'Rows of hookd.subscribers as of the stream.', () => gauges.subscribers())
    gauge('hookd_lanes_direct', 'Lanes that send straight from the stream.', () => gauges.lanes().direct)
    gauge('hookd_lanes_spilled', 'Lanes that work off the ledger.', () => gauges.lanes().spilled)
    gauge('hookd_lanes_disabled', 'Lanes of disabled or paused subscribers.', () => gauges.lanes().disabled)
    gauge(
      'hookd_slot_kept_bytes',
      'WAL that the server keeps for the slot, in bytes; long transactions hold it, too.',
      () => gauges.slotKeptBytes(),
    )
    gauge('hookd_slot_safe_bytes', 'WAL until the slot is in danger, in bytes; NaN without a limit.', () =>
      gauges.slotSafeBytes(),
    )
    new Gauge({
      name: 'hookd_slot_status',
      help: 'wal_status of the slot: 1 for the one it has.',
      labelNames: ['status'],
      registers,
      collect() {
        const now = gauges.slotStatus()
        for (const status of SLOT_STATUSES) this.set({ status }, status === now ? 1 : 0)
      },
    })
    gauge('hookd_resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss())

    function tallied(name: string, help: string, label: string, tally: Map<string, number>): void {
      new Counter({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          for (const [value, count] of tally) this.inc({ [label]: value }, count)
          tally.clear()
        },
      })
    }

    function gauge(name: string, help: string, read: () => number): void {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    }
  }

  matched(event: string): void {
    count(this.#matches, event)
  }

  attempted(outcome: string, failure: string, durationMs: number): void {
    count(this.#outcomes, outcome)
    this.#attempts.observe(durationMs / 1000, failure)
  }

  delivered(latencyMs: number): void {
    this.#latency.observe(Math.max(0, latencyMs) / 1000)
  }

  failed(kind: string): void {
    this.#errors.inc({ kind })
  }

  spilled(reason: string): void {
    this.#spills.inc({ reason })
  }

  reconnected(): void {
    this.#reconnects.inc()
  }
}

function count(tally: Map<string, number>, name: string): void {
  tally.set(name, (tally.get(name) ?? 0) + 1)
}
