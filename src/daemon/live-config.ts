import type { HookdConfig } from '../config/load.ts'
import type { Occurrence } from '../delivery/dispatcher.ts'
import type { EventDefinition } from '../matching/event.ts'
import { EventIndex } from '../matching/match.ts'
import type { Catalog, CatalogTable } from '../postgres/catalog.ts'
import type { Relation } from '../replication/change.ts'
import type { Subscriber } from '../subscriptions/subscriber.ts'
import { staticSubscriber } from '../subscriptions/directory.ts'
import { withWhatIsGone } from './catalog-memory.ts'

/** The configuration and the catalog as they are now; both are replaced while the daemon runs. */
export class LiveConfig {
  #config: HookdConfig
  #catalog: Catalog
  #index: EventIndex
  #byName: ReadonlyMap<string, EventDefinition>

  constructor(config: HookdConfig, catalog: Catalog) {
    this.#config = config
    this.#catalog = catalog
    this.#index = new EventIndex(config.events)
    this.#byName = byName(config.events)
  }

  get delivery(): HookdConfig['delivery'] {
    return this.#config.delivery
  }

  get recipients(): HookdConfig['recipients'] {
    return this.#config.recipients
  }

  get tables(): ReadonlySet<string> {
    return this.#config.tables
  }

  get catalog(): Catalog {
    return this.#catalog
  }

  get events(): readonly EventDefinition[] {
    return this.#config.events
  }

  /** Gives what it replaces. */
  replace(config: HookdConfig): HookdConfig {
    const former = this.#config
    this.#config = config
    this.#index = new EventIndex(config.events)
    this.#byName = byName(config.events)
    return former
  }

  /** What is gone stays known: changes of it may be yet to come. */
  replaceCatalog(catalog: Catalog): void {
    this.#catalog = withWhatIsGone(catalog, this.#catalog, this.#config.tables)
  }

  /** Events of a change's table, or of the partitioned table that it is a part of. */
  eventsFor(change: Occurrence): readonly EventDefinition[] {
    const { name } = change.relation
    return this.#index.forChange(this.#catalog.tables.get(name)?.root ?? name, change.op)
  }

  manualEvent(name: string): EventDefinition | undefined {
    return this.#index.emitted(name)
  }

  event(declaredName: string): EventDefinition | undefined {
    return this.#byName.get(declaredName)
  }

  table(name: string): CatalogTable | undefined {
    return this.#catalog.tables.get(name)
  }

  /**
   * Whether a table that no event is about has the columns of a partitioned one that is: it may have been attached to it
   * since the catalog was read, which the stream does not tell.
   */
  mayBePartition({ name, columns }: Relation): boolean {
    const table = this.table(name)
    if (this.tables.has(name) || (table !== undefined && table.root !== null)) return false
    return [...this.tables].some((root) => {
      const partitioned = this.table(root)
      if (partitioned?.kind !== 'partitioned') return false
      const own = new Map(partitioned.columns.filter(({ generated }) => !generated).map((c) => [c.name, c.typeOid]))
      return own.size === columns.length && columns.every((column) => own.get(column.name) === column.typeOid)
    })
  }

  staticSubscribers(): Subscriber[] {
    return this.#config.events.flatMap((event) =>
      event.subscribers.map((fixed) => staticSubscriber(fixed, event.declaredName)),
    )
  }
}

function byName(events: readonly EventDefinition[]): ReadonlyMap<string, EventDefinition> {
  return new Map(events.map((event) => [event.declaredName, event]))
}
