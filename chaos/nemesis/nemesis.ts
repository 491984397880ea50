import { setTimeout as sleep } from 'node:timers/promises'
import type { History } from '../history.ts'
import { Dice } from '../random.ts'
import { FAULTS, type FaultName } from './faults.ts'
import type { Scene } from './scene.ts'

interface NemesisPorts {
  readonly scene: Omit<Scene, 'dice'>
  readonly seed: number
  readonly history: History
  /** Commits a row and gives when it arrived; null where it has not within `timeoutMs`. */
  probe(timeoutMs: number): Promise<number | null>
  /** Told after every fault. */
  onFault(counts: Counts): void
}

/** How much a run has been through. */
export interface Counts {
  faults: number
  kills: number
}

export interface Stops {
  readonly deadline: number
  /** Stops once there were this many of both; null: only the deadline counts. */
  readonly faults: number | null
  readonly kills: number | null
}

/** Long after the slowest recovery that is still one. */
const PROBE_TIMEOUT_MS = 60_000
/** These touch nothing that another fault is using at the same time. */
const SECOND_FAULTS = ['kill', 'terminate walsender', 'terminate backends', 'checkpoint'] as const

/** Brings fault after fault, now and then two at once, and measures how long hookd takes to deliver again. */
export async function torment({ scene, seed, history, probe, onFault }: NemesisPorts, stops: Stops): Promise<Counts> {
  const dice = new Dice(seed, 'nemesis')
  const counts: Counts = { faults: 0, kills: 0 }
  let begun = 0
  const choices = (Object.keys(FAULTS) as FaultName[])
    .filter((name) => name !== 'disk full' || scene.cluster.disk !== null)
    .map((name) => [name, FAULTS[name].weight] as const)

  const underway = new Set<Promise<void>>()

  /** Gives two promises: the fault is over, and hookd has recovered from it. */
  function bring(
    fault: FaultName,
    overlaps: boolean,
  ): { readonly over: Promise<void>; readonly recovered: Promise<void> } {
    const at = Date.now()
    const own = { ...scene, dice: new Dice(seed, `fault ${++begun}`) }
    const kills = FAULTS[fault].run(own).then((count) => {
      counts.faults++
      counts.kills += count
      return count
    })
    const recovered = kills.then(async (count) => {
      const healedAt = Date.now()
      const arrivedAt = await probe(PROBE_TIMEOUT_MS)
      const recoveredMs = arrivedAt === null ? null : Math.max(0, arrivedAt - healedAt)
      history.add({ kind: 'fault', fault, at, healedAt, kills: count, recoveredMs, overlaps })
      onFault(counts)
    })
    underway.add(recovered)
    void recovered.finally(() => underway.delete(recovered))
    return { over: kills.then(() => undefined), recovered }
  }

  while (Date.now() < stops.deadline && !isEnough(counts, stops)) {
    const fault = dice.weighted(choices)
    const mode = dice.weighted([
      ['alone', 55],
      ['hasty', 25],
      ['double', 20],
    ] as const)
    const [second, afterMs, pauseMs] = [dice.pick(SECOND_FAULTS), dice.between(0, 800), dice.between(100, 900)]
    const first = bring(fault, mode !== 'alone' || underway.size > 0)
    if (mode === 'double') {
      await sleep(afterMs)
      await bring(second, true).recovered
    }
    // The next fault of a hasty one finds hookd in the middle of recovering.
    await (mode === 'hasty' ? first.over : first.recovered)
    await sleep(pauseMs)
  }
  await Promise.all(underway)
  return counts
}

function isEnough(counts: Counts, { faults, kills }: Stops): boolean {
  if (faults === null && kills === null) return false
  return counts.faults >= (faults ?? 0) && counts.kills >= (kills ?? 0)
}
