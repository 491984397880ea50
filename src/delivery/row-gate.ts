/** What must have its keys to itself: its row, and the row it came from when the change moved it. */
export interface Keyed {
  readonly id: string
  readonly key: string
  readonly oldKey: string | null
}

interface Entry<T> {
  holder: object | null
  queue: T[]
}

/**
 * Keeps the order of rows within one lane: items that share a key pass one holder at a time, first come first served.
 *
 * A key is parked while an item that failed waits for its next attempt: nothing behind it may pass, and the caller
 * stores what arrives. Parking spreads to the other key of an item that cannot pass, since its successors must wait too.
 */
export class RowGate<T extends Keyed> {
  /** One key for everything: the total order of `ordering = 'subscriber'`. */
  readonly #shared: boolean
  readonly #entries = new Map<string, Entry<T>>()
  /** Key -> ids of the failed items that hold it back. */
  readonly #parked = new Map<string, Set<string>>()
  readonly #shadowed = new Set<string>()
  #blocked = 0

  constructor(options: { readonly shared: boolean }) {
    this.#shared = options.shared
  }

  /** How many items wait behind a holder. */
  get blocked(): number {
    return this.#blocked
  }

  /** How many keys wait for a failed item's next attempt. */
  get parked(): number {
    return this.#parked.size
  }

  /** `go`: the holder now has the keys. `wait`: `release` will hand it out. `parked`: it has to be stored. */
  admit(item: T, holder: object): 'go' | 'wait' | 'parked' {
    if (this.#isParked(item)) {
      this.#shadow(item)
      return 'parked'
    }
    const key = this.#keyOf(item)
    const oldKey = this.#oldKeyOf(item)
    const first = this.#entries.get(key)
    const second = oldKey === null ? undefined : this.#entries.get(oldKey)
    if (isFree(first, holder) && isFree(second, holder)) {
      this.#hold(key, first, holder)
      if (oldKey !== null) this.#hold(oldKey, second, holder)
      return 'go'
    }
    this.#enqueue(key, item)
    if (oldKey !== null) this.#enqueue(oldKey, item)
    this.#blocked++
    return 'wait'
  }

  /**
   * Gives the keys of one holder's items back and returns what may go next; `take` must follow for each of those before
   * it goes. All items of a holder are released together, because they may share keys.
   */
  release(items: readonly T[]): readonly T[] {
    const only = items.length === 1 ? this.#releaseOnly(items[0]!) : null
    if (only !== null) return only
    const keys = new Set<string>()
    for (const item of items) for (const key of this.#keysOf(item)) keys.add(key)
    for (const key of keys) {
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      entry.holder = null
      if (entry.queue.length === 0) this.#entries.delete(key)
    }
    const ready = new Set<T>()
    for (const key of keys) {
      const head = this.#entries.get(key)?.queue[0]
      if (head !== undefined && this.#mayGo(head)) ready.add(head)
    }
    return [...ready]
  }

  /** The usual case, without sets: one item, with one key, that nobody waits for. Null where it is another. */
  #releaseOnly(item: T): readonly T[] | null {
    if (this.#oldKeyOf(item) !== null) return null
    const key = this.#keyOf(item)
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.queue.length > 0) return null
    this.#entries.delete(key)
    return NONE
  }

  /** Hands the keys of an item that `release` or `following` returned to its holder. */
  take(item: T, holder: object): void {
    for (const key of this.#keysOf(item)) {
      const entry = this.#entries.get(key)!
      entry.queue.shift()
      entry.holder = holder
    }
    this.#blocked--
  }

  /** The item queued right behind `item` if the same holder may have it too (for batches). */
  following(item: T, holder: object): T | null {
    const next = this.#entries.get(this.#keyOf(item))?.queue[0]
    if (next === undefined) return null
    for (const key of this.#keysOf(next)) {
      const entry = this.#entries.get(key)!
      if (entry.queue[0] !== next || (entry.holder !== null && entry.holder !== holder)) return null
    }
    return next
  }

  /** Parks a failed item's keys and returns, in order, everything that waited behind them and must be stored. */
  park(item: T): T[] {
    this.parkStored(item)
    const own = this.#keysOf(item)
    const evicted = new Set<T>()
    const pending = [...own]
    for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      for (const waiting of entry.queue) {
        if (evicted.has(waiting)) continue
        evicted.add(waiting)
        for (const other of this.#keysOf(waiting)) {
          if (!this.#parked.has(other)) this.#shadowed.add(other)
          if (other !== key) pending.push(other)
        }
      }
      entry.queue.length = 0
      if (entry.holder === null || own.includes(key)) this.#entries.delete(key)
    }
    this.#blocked -= evicted.size
    return [...evicted]
  }

  /** Parks keys that the ledger says are waiting for a next attempt. */
  parkStored(item: Keyed): void {
    for (const key of this.#keysOf(item)) {
      const holders = this.#parked.get(key)
      if (holders === undefined) this.#parked.set(key, new Set([item.id]))
      else holders.add(item.id)
    }
  }

  unpark(item: Keyed): void {
    for (const key of this.#keysOf(item)) {
      const holders = this.#parked.get(key)
      if (holders?.delete(item.id) && holders.size === 0) this.#parked.delete(key)
    }
  }

  unparkAll(): void {
    this.#parked.clear()
  }

  /** Forgets which keys were held back only indirectly: a scan of the ledger from its start finds them again. */
  clearShadows(): void {
    this.#shadowed.clear()
  }

  /** Takes everything out that waits behind a holder, in the order of arrival per key. */
  evict(): T[] {
    const evicted = [...this.waiting()]
    for (const [key, entry] of this.#entries) {
      entry.queue.length = 0
      if (entry.holder === null) this.#entries.delete(key)
    }
    this.#blocked = 0
    return evicted
  }

  /** Everything that waits behind a holder. */
  waiting(): Set<T> {
    const waiting = new Set<T>()
    if (this.#blocked === 0) return waiting
    for (const entry of this.#entries.values()) for (const item of entry.queue) waiting.add(item)
    return waiting
  }

  /** Keys for which nothing may pass, for a query that leaves them out. */
  parkedKeys(): string[] {
    return [...this.#parked.keys()]
  }

  #isParked(item: T): boolean {
    if (this.#parked.size === 0) return false
    return this.#keysOf(item).some((key) => this.#parked.has(key) || this.#shadowed.has(key))
  }

  #shadow(item: T): void {
    if (this.#oldKeyOf(item) === null) return
    for (const key of this.#keysOf(item)) if (!this.#parked.has(key)) this.#shadowed.add(key)
  }

  #keyOf(item: Keyed): string {
    return this.#shared ? '*' : item.key
  }

  #oldKeyOf(item: Keyed): string | null {
    return this.#shared ? null : item.oldKey
  }

  #keysOf(item: Keyed): readonly string[] {
    const oldKey = this.#oldKeyOf(item)
    return oldKey === null ? [this.#keyOf(item)] : [this.#keyOf(item), oldKey]
  }

  #hold(key: string, entry: Entry<T> | undefined, holder: object): void {
    if (entry === undefined) this.#entries.set(key, { holder, queue: [] })
    else entry.holder = holder
  }

  #enqueue(key: string, item: T): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) this.#entries.set(key, { holder: null, queue: [item] })
    else entry.queue.push(item)
  }

  #mayGo(item: T): boolean {
    return this.#keysOf(item).every((key) => {
      const entry = this.#entries.get(key)!
      return entry.holder === null && entry.queue[0] === item
    })
  }
}

const NONE: readonly never[] = []

function isFree<T>(entry: Entry<T> | undefined, holder: object): boolean {
  return entry === undefined || (entry.queue.length === 0 && (entry.holder === null || entry.holder === holder))
}
