import type { Metric } from 'prom-client'

interface Series {
  /** How many values fell into each bucket and into none below; not cumulative. */
  readonly counts: number[]
  sum: number
}

/**
 * A Prometheus histogram with at most one label, for what happens with every request: prom-client's own takes as long for
 * a value as signing does. Registers like any of its metrics.
 */
export class Histogram {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly aggregator = 'sum'
  readonly labelNames: readonly string[]
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, Series>()

  /** `bounds`: upper ends of the buckets, ascending. */
  constructor(options: { name: string; help: string; label: string | null; bounds: readonly number[] }) {
    this.name = options.name
    this.help = options.help
    this.labelNames = options.label === null ? [] : [options.label]
    this.#bounds = options.bounds
    if (options.label === null) this.#seriesOf('')
  }

  /** What a registry takes. */
  get metric(): Metric {
    return this as unknown as Metric
  }

  observe(value: number, label = ''): void {
    const series = this.#seriesOf(label)
    let bucket = 0
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++
    series.counts[bucket]!++
    series.sum += value
  }

  reset(): void {
    this.#series.clear()
  }

  get() {
    const { name, help, type, aggregator } = this
    return Promise.resolve({ name, help, type, aggregator, values: [...this.#values()] })
  }

  #seriesOf(label: string): Series {
    let series = this.#series.get(label)
    if (series === undefined) {
      series = { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 }
      this.#series.set(label, series)
    }
    return series
  }

  *#values() {
    for (const [label, { counts, sum }] of this.#series) {
      const labels: Record<string, string | number> = Object.fromEntries(this.labelNames.map((name) => [name, label]))
      let count = 0
      for (const [at, own] of counts.entries()) {
        count += own
        const le = this.#bounds[at] ?? '+Inf'
        yield { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: count, exemplar: null }
      }
      yield { metricName: `${this.name}_sum`, labels, value: sum }
      yield { metricName: `${this.name}_count`, labels, value: count }
    }
  }
}
