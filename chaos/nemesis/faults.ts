import { setTimeout as sleep } from 'node:timers/promises'
import type { StopMode } from '../../test/support/server.ts'
import { waitFor } from '../../test/support/wait.ts'
import type { Wire } from '../proxy.ts'
import { active, type Scene } from './scene.ts'

/** Does its harm, holds it, takes it away, and gives how often it killed hookd. It must bear every state of the scene. */
type Fault = (scene: Scene) => Promise<number>

/** `wal_sender_timeout` of hookd's sessions, which a fault has to outlast to be noticed. */
const SENDER_TIMEOUT_MS = 2000

interface FaultSpec {
  /** How often, compared with the others. */
  readonly weight: number
  readonly run: Fault
}

/** Every fault by name; kills are about two of five. */
export const FAULTS = {
  kill: { weight: 26, run: kill },
  'kill twice': { weight: 6, run: killTwice },
  'kill with standby': { weight: 5, run: killWithStandby },
  'kill during restart': { weight: 4, run: killDuringRestart },
  freeze: { weight: 5, run: freeze },
  'freeze with standby': { weight: 3, run: freezeWithStandby },
  terminate: { weight: 4, run: terminate },
  'terminate walsender': { weight: 6, run: (scene) => terminateBackends(scene, `backend_type = 'walsender'`) },
  'terminate backends': { weight: 4, run: (scene) => terminateBackends(scene, `application_name = 'hookd'`) },
  'restart fast': { weight: 5, run: (scene) => restart(scene, 'fast') },
  'restart immediate': { weight: 6, run: (scene) => restart(scene, 'immediate') },
  cut: { weight: 5, run: (scene) => wire(scene, 'refuse') },
  'half-open': { weight: 3, run: (scene) => wire(scene, 'silent') },
  'half-open up': { weight: 3, run: (scene) => wire(scene, 'silent-up') },
  'half-open down': { weight: 3, run: (scene) => wire(scene, 'silent-down') },
  slow: { weight: 3, run: (scene) => wire(scene, 'slow') },
  'disk full': { weight: 4, run: fillDisk },
  'good reload': { weight: 2, run: (scene) => reload(scene, 'good') },
  'bad reload': { weight: 2, run: (scene) => reload(scene, 'bad') },
  checkpoint: { weight: 3, run: checkpoint },
} satisfies Readonly<Record<string, FaultSpec>>

export type FaultName = keyof typeof FAULTS

async function kill({ daemons, ...scene }: Scene): Promise<number> {
  const daemon = active({ daemons, ...scene })
  return daemon && (await daemons.kill(daemon)) ? 1 : 0
}

/** The second one while the next hookd starts, reads the ledger or has just begun to send. */
async function killTwice(scene: Scene): Promise<number> {
  const first = await kill(scene)
  await sleep(scene.dice.between(0, 1500))
  return first + (await kill(scene))
}

async function killWithStandby(scene: Scene): Promise<number> {
  const before = active(scene)
  scene.daemons.start()
  await sleep(scene.dice.between(500, 1500))
  return before && (await scene.daemons.kill(before)) ? 1 : 0
}

/** Neither side can clean up after itself. */
async function killDuringRestart(scene: Scene): Promise<number> {
  const mode = scene.dice.pick(['fast', 'immediate'] as const)
  const stopped = scene.cluster.server.stop(mode)
  const kills = await kill(scene)
  await stopped
  await sleep(scene.dice.between(0, 300))
  await scene.cluster.server.start()
  return kills
}

async function freeze(scene: Scene): Promise<number> {
  const daemon = active(scene)
  if (!daemon) return 0
  scene.daemons.freeze(daemon)
  await sleep(scene.dice.between(0.5, 1.8) * SENDER_TIMEOUT_MS)
  scene.daemons.thaw(daemon)
  return 0
}

/** Somebody else has the slot when the first one wakes up; then one of the two leaves. */
async function freezeWithStandby(scene: Scene): Promise<number> {
  const daemon = active(scene)
  scene.daemons.start()
  await sleep(scene.dice.between(500, 1000))
  if (!daemon) return 0
  scene.daemons.freeze(daemon)
  await sleep(scene.dice.between(1.2, 2) * SENDER_TIMEOUT_MS)
  scene.daemons.thaw(daemon)
  await sleep(scene.dice.between(0, 500))
  await scene.daemons.terminate(daemon)
  return 0
}

async function terminate(scene: Scene): Promise<number> {
  const daemon = active(scene)
  if (daemon) await scene.daemons.terminate(daemon)
  return 0
}

async function terminateBackends({ cluster }: Scene, which: string): Promise<number> {
  await attempt(() => cluster.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${which}`))
  return 0
}

async function restart({ cluster, dice }: Scene, mode: StopMode): Promise<number> {
  await cluster.server.stop(mode)
  await sleep(dice.between(0, 500))
  await cluster.server.start()
  return 0
}

async function wire({ proxy, dice }: Scene, state: Wire): Promise<number> {
  proxy.set(state)
  await sleep(state === 'refuse' ? dice.between(0, 1500) : dice.between(0.5, 1.8) * SENDER_TIMEOUT_MS)
  proxy.set('open')
  return 0
}

/** The server panics, and cannot recover before there is room again. */
async function fillDisk({ cluster, dice }: Scene): Promise<number> {
  cluster.disk?.fill()
  // What was allocated in advance is used up first.
  for (let left = 6; left > 0; left--) {
    await attempt(() => cluster.query(`select pg_logical_emit_message(false, 'chaos', 'x'), pg_switch_wal()`))
  }
  await sleep(dice.between(300, 1500))
  cluster.disk?.free()
  // It may still be about to give up.
  const isBack = async () => {
    await cluster.server.start()
    return cluster.query('select')
  }
  await waitFor(isBack, { what: 'the server to recover', timeoutMs: 60_000, everyMs: 100 })
  return 0
}

async function reload({ daemons, dice, writeConfig }: Scene, quality: 'good' | 'bad'): Promise<number> {
  await writeConfig(quality)
  daemons.reload()
  await sleep(dice.between(100, 500))
  // A hookd that starts now would refuse the bad one.
  if (quality === 'bad') await writeConfig('good')
  return 0
}

async function checkpoint({ cluster }: Scene): Promise<number> {
  await attempt(() => cluster.query('checkpoint'))
  return 0
}

/** The server may be away. */
async function attempt(action: () => Promise<unknown>): Promise<void> {
  await action().catch(() => undefined)
}
