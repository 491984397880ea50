/** What must never happen. */
export const FAULT_KINDS = ['lost', 'phantom', 'misordered', 'corrupt', 'unsigned', 'misdirected'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

const MOST_EXAMPLES = 20

/** Counts what was found, and keeps the first of each kind as sentences. */
export class Findings {
  readonly #counts = new Map<FaultKind, number>()
  readonly #examples = new Map<FaultKind, string[]>()

  add(kind: FaultKind, sentence: string): void {
    this.#counts.set(kind, this.count(kind) + 1)
    const examples = this.#examples.get(kind) ?? []
    if (examples.length < MOST_EXAMPLES) this.#examples.set(kind, [...examples, sentence])
  }

  count(kind: FaultKind): number {
    return this.#counts.get(kind) ?? 0
  }

  examples(kind: FaultKind): readonly string[] {
    return this.#examples.get(kind) ?? []
  }
}
