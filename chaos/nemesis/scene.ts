import type { Cluster } from '../cluster.ts'
import type { Daemon, Daemons } from '../daemons.ts'
import type { Proxy } from '../proxy.ts'
import type { Dice } from '../random.ts'

/** What faults act upon. */
export interface Scene {
  readonly cluster: Cluster
  readonly daemons: Daemons
  readonly proxy: Proxy
  readonly dice: Dice
  /** Writes hookd.yaml anew: with another harmless detail, or broken. */
  writeConfig(quality: 'good' | 'bad'): Promise<void>
}

/** The daemon that holds the slot, or any one where that cannot be told. */
export function active({ daemons }: Scene): Daemon | undefined {
  return daemons.all.findLast((daemon) => daemon.wasReady()) ?? daemons.all[0]
}
