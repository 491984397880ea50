import type { EventDefinition, Predicate } from '../matching/event.ts'
import { EMPTY } from './parse-subscriber.ts'
import type { Subscriber, Subscription } from './subscriber.ts'

/** What the directory takes from the matching stage. */
export interface DirectoryRules {
  /** Compiles an event name or pattern; null for one that is malformed. */
  compilePattern(pattern: string): ((name: string) => boolean) | null
  /** Compiles a filter for the table of an event. `problem` says why it cannot be applied there. */
  compileFilter(filter: unknown, definition: EventDefinition): { predicate: Predicate | null; problem: string | null }
}

/** Whom one event reaches. */
export interface Reach {
  /** Without regard to owners. */
  readonly all: readonly Subscription[]
  /** Those that a row of the given owner reaches: the owner's and those without one. */
  of(owner: string | null): readonly Subscription[]
  /** Subscribers whose filter does not fit the event's table, with the reason. */
  readonly misfits: readonly { readonly subscriber: Subscriber; readonly problem: string }[]
}

/** Names of one event, where a template makes them, of which it is remembered whom they reach. */
const MOST_NAMES = 10_000

interface Entry {
  readonly subscriber: Subscriber
  readonly matches: (name: string) => boolean
}

/**
 * Every subscriber as of one point of the stream. Whoever feeds it decides what that point is: it is told of a change
 * only once the transaction has committed.
 */
export class Directory {
  readonly #rules: DirectoryRules
  readonly #entries = new Map<string, Entry>()
  /** By declared name, then by the name it is sent with. */
  readonly #reached = new Map<string, Map<string, Reach>>()

  constructor(rules: DirectoryRules) {
    this.#rules = rules
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): Subscriber | undefined {
    return this.#entries.get(id)?.subscriber
  }

  ids(): string[] {
    return [...this.#entries.keys()]
  }

  set(subscriber: Subscriber): void {
    const matches = this.#rules.compilePattern(subscriber.event) ?? (() => false)
    this.#entries.set(subscriber.id, { subscriber, matches })
    this.#reached.clear()
  }

  delete(id: string): void {
    if (this.#entries.delete(id)) this.#reached.clear()
  }

  /** The definitions have changed: everything derived from them is computed again. */
  forgetEvents(): void {
    this.#reached.clear()
  }

  /** Whom the event reaches under the name it is sent with. */
  reach(definition: EventDefinition, name: string): Reach {
    let byName = this.#reached.get(definition.declaredName)
    if (byName === undefined) this.#reached.set(definition.declaredName, (byName = new Map()))
    let reach = byName.get(name)
    if (reach === undefined) {
      if (byName.size > MOST_NAMES) byName.clear()
      reach = this.#compute(definition, name)
      byName.set(name, reach)
    }
    return reach
  }

  #compute(definition: EventDefinition, name: string): Reach {
    const all: Subscription[] = []
    const misfits: { subscriber: Subscriber; problem: string }[] = []
    for (const { subscriber, matches } of this.#entries.values()) {
      if (!matches(name)) continue
      const { predicate, problem } = this.#rules.compileFilter(subscriber.filter, definition)
      if (problem === null) all.push({ subscriber, filter: predicate })
      else misfits.push({ subscriber, problem })
    }
    for (const fixed of definition.subscribers) all.push({ subscriber: staticSubscriber(fixed, name), filter: null })
    return { all, of: byOwner(all), misfits }
  }
}

/** A subscriber as hookd.yaml declares it. */
export function staticSubscriber(fixed: EventDefinition['subscribers'][number], event: string): Subscriber {
  return { ...EMPTY, ...fixed, event, envelope: null, isStatic: true }
}

function byOwner(all: readonly Subscription[]): (owner: string | null) => readonly Subscription[] {
  const unowned = all.filter(({ subscriber }) => subscriber.owner === null)
  const owners = Map.groupBy(
    all.filter(({ subscriber }) => subscriber.owner !== null),
    ({ subscriber }) => subscriber.owner,
  )
  const joined = new Map([...owners].map(([owner, owned]) => [owner, [...unowned, ...owned]]))
  return (owner) => (owner === null ? unowned : (joined.get(owner) ?? unowned))
}
