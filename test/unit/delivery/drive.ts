import { vi } from 'vitest'
import { DELIVERED, settled } from './world.ts'
import type { World } from './world.ts'

/** Lets time pass, on both clocks. */
export function pass(world: World, ms: number): void {
  world.pass(ms, (now) => vi.setSystemTime(now))
}

/** Lets the ledger do everything that it was asked for. */
export async function serve(world: World): Promise<void> {
  do {
    world.ledger.flush()
    world.ledger.takePage(0)
    world.ledger.handOver(0)
    await settled()
  } while (!world.ledger.isQuiet)
}

export async function answer(world: World, outcome = DELIVERED, at = 0): Promise<void> {
  world.requests[at]!.answer(outcome)
  await settled()
}

export function inFlight(world: World): string[] {
  return world.requests.flatMap(({ parcel }) => parcel.deliveries.map(({ id }) => id))
}

export function commit(world: World, keys: string): string[] {
  return keys.split(' ').map((key) => world.commit(key))
}
