import type { Delivery, Parcel } from '../delivery/delivery.ts'
import type { AttemptResult, DueDeliveries, FreshDeliveries, ParkedDeliveries } from '../delivery/ports.ts'
import type { Subscriber } from '../subscriptions/subscriber.ts'
import type { SessionLedger } from './session-ports.ts'

/** A ledger that writes nothing and holds nothing: every delivery counts as settled. */
export class DryLedger implements SessionLedger {
  readonly isQuiet = true
  readonly isBehind = false

  store(delivery: Delivery): void {
    forget(delivery)
  }

  postpone(delivery: Delivery): void {
    forget(delivery)
  }

  settle(delivery: Delivery): void {
    forget(delivery)
  }

  bury(delivery: Delivery): void {
    forget(delivery)
  }

  disable(): void {}

  error(): void {}

  touch(): void {}

  flushed(): Promise<void> {
    return Promise.resolve()
  }

  readFresh(): Promise<FreshDeliveries> {
    return Promise.resolve({ deliveries: [], isLast: true })
  }

  readDue(): Promise<DueDeliveries> {
    return Promise.resolve({ deliveries: [], nextDueAtMs: null })
  }

  readParked(): Promise<ParkedDeliveries> {
    return Promise.resolve({ items: [], nextDueAtMs: null, isComplete: true })
  }

  pendingSubscribers(): Promise<string[]> {
    return Promise.resolve([])
  }

  run(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  drain(): Promise<void> {
    return Promise.resolve()
  }
}

/** Prints what would be sent, and takes it for delivered. */
export function dryAttempt(
  parcel: Parcel,
  subscriber: Subscriber,
  print: (line: string) => void,
): Promise<AttemptResult> {
  const { origin, pathname } = URL.parse(subscriber.url) ?? { origin: subscriber.url, pathname: '' }
  print(`${parcel.deliveries[0]!.message.event} -> ${origin}${pathname} (${subscriber.id})\n${parcel.body.toString()}`)
  const answer = {
    kind: 'response',
    status: 200,
    retryAfter: null,
    location: null,
    body: Buffer.alloc(0),
    durationMs: 0,
  } as const
  return Promise.resolve({ atMs: Date.now(), url: subscriber.url, answer, outcome: { kind: 'delivered' } })
}

function forget(delivery: Delivery): void {
  delivery.stored = true
  delivery.tracker?.settle()
  delivery.tracker = null
}
