import { Unreadable } from '../replication/change.ts'
import type { Cell, Operation } from '../replication/change.ts'
import { UnknownValueError } from './event.ts'
import type { EventDefinition, RowPair } from './event.ts'

const NONE: readonly EventDefinition[] = []

/** The enabled events of hookd.yaml, by what sets them off. */
export class EventIndex {
  readonly #byChange = new Map<string, Map<Operation, EventDefinition[]>>()
  readonly #emitted = new Map<string, EventDefinition>()

  constructor(definitions: readonly EventDefinition[]) {
    const enabled = definitions.filter((definition) => definition.enabled)
    for (const definition of enabled.toSorted(byName)) this.#add(definition)
  }

  /** What may be sent for a change of a table, `public.article`, in the order of the declared names. */
  forChange(table: string, operation: Operation): readonly EventDefinition[] {
    return this.#byChange.get(table)?.get(operation) ?? NONE
  }

  /** The event that `hookd.emit` names; undefined where no manual event has the name. */
  emitted(name: string): EventDefinition | undefined {
    return this.#emitted.get(name)
  }

  #add(definition: EventDefinition): void {
    if (definition.manual) this.#emitted.set(definition.declaredName, definition)
    if (definition.table === null) return
    const byOperation = this.#byChange.get(definition.table) ?? new Map<Operation, EventDefinition[]>()
    this.#byChange.set(definition.table, byOperation)
    for (const operation of definition.operations) {
      byOperation.set(operation, [...(byOperation.get(operation) ?? []), definition])
    }
  }
}

/**
 * Whether an event is to be sent for a row pair. Throws `UnknownValueError` where that hangs on a value that is not
 * known.
 */
export function matches(definition: EventDefinition, pair: RowPair): boolean {
  const { predicate, skipNoop } = definition
  return (predicate === null || predicate(pair)) && !(skipNoop && isNoop(pair))
}

/** By code unit, so that the order is the same everywhere. */
function byName(a: EventDefinition, b: EventDefinition): number {
  return a.declaredName < b.declaredName ? -1 : 1
}

/**
 * Whether an update left every column as it was, down to the text (1.0 is not 1.00). False for inserts and deletes.
 *
 * Throws `UnknownValueError` where no column is known to differ and one is not known.
 */
export function isNoop({ op, old, new: row }: RowPair): boolean {
  if (op !== 'update' || row === null) return false
  let unknown: number | undefined
  for (const [index, now] of row.cells.entries()) {
    const before = old?.cells[index]
    if (!isKnown(now) || !isKnown(before)) unknown ??= index
    else if (now !== before) return false
  }
  if (unknown === undefined) return true
  const column = row.relation.columns[unknown]?.name ?? ''
  throw new UnknownValueError(column, 'cannot be compared with its old value, which "skip_noop" needs')
}

function isKnown(cell: Cell): cell is string | null {
  return cell !== undefined && !(cell instanceof Unreadable)
}
