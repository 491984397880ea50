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

  async function bring(fault: FaultName, overlaps: boolean): Promise<void> {
    const at = Date.now()
    const kills = await FAULTS[fault].run({ ...scene, dice: new Dice(seed, `fault ${++begun}`) })
    const healedAt = Date.now()
    counts.faults++
    counts.kills += kills
    const arrivedAt = await probe(PROBE_TIMEOUT_MS)
    const recoveredMs = arrivedAt === null ? null : Math.max(0, arrivedAt - healedAt)
    history.add({ kind: 'fault', fault, at, healedAt, kills, recoveredMs, overlaps })
    onFault(counts)
  }

  async function bringSecond(fault: FaultName, afterMs: number): Promise<void> {
    await sleep(afterMs)
    await bring(fault, true)
  }

  while (Date.now() < stops.deadline && !isEnough(counts, stops)) {
    const fault = dice.weighted(choices)
    const isDouble = dice.chance(0.2)
    const second = isDouble ? [bringSecond(dice.pick(SECOND_FAULTS), dice.between(0, 800))] : []
    await Promise.all([bring(fault, isDouble), ...second])
    await sleep(dice.between(100, 900))
  }
  return counts
}

function isEnough(counts: Counts, { faults, kills }: Stops): boolean {
  if (faults === null && kills === null) return false
  return counts.faults >= (faults ?? 0) && counts.kills >= (kills ?? 0)
}
