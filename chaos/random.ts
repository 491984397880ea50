import { hash } from 'node:crypto'
import { seeded } from '../test/support/workload.ts'

/** Choices that follow from a seed and a name alone, so that one actor's do not depend on how another one is timed. */
export class Dice {
  readonly #next: () => number

  constructor(seed: number, name: string) {
    this.#next = seeded(Number.parseInt(hash('sha256', `${seed} ${name}`, 'hex').slice(0, 8), 16))
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.#next() < probability
  }

  /** A number in [from, to). */
  between(from: number, to: number): number {
    return from + this.#next() * (to - from)
  }

  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1))
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.whole(0, list.length - 1)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  /** Picks by weight: `[['often', 9], ['seldom', 1]]`. */
  weighted<T>(entries: readonly (readonly [T, number])[]): T {
    let rest = this.between(
      0,
      entries.reduce((sum, [, weight]) => sum + weight, 0),
    )
    for (const [value, weight] of entries) {
      rest -= weight
      if (rest < 0) return value
    }
    throw new Error('nothing to pick from')
  }
}
