import { mkdirSync, writeFileSync, readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plugin } from '../test/support/database.ts'
import { waitFor } from '../test/support/wait.ts'
import { Cluster } from './cluster.ts'
import { Daemons } from './daemons.ts'
import { History } from './history.ts'
import { type Counts, torment } from './nemesis/nemesis.ts'
import type { ChaosOptions } from './options.ts'
import { Oracle } from './oracle.ts'
import { Proxy } from './proxy.ts'
import { Receivers } from './receivers/receivers.ts'
import { Workload } from './workload/workload.ts'

const YAML = readFileSync(new URL('hookd.yaml', import.meta.url), 'utf8')
const COMMITS_EVERY_MS = 2000
const CONVERGE_MS = 180_000

interface RunPorts {
  /** A line about how it goes. */
  say(line: string): void
}

/** Runs the workload against the nemesis on one plugin, and gives the file of the history. */
export async function run(plugin: Plugin, options: ChaosOptions, { say }: RunPorts): Promise<string> {
  const { folder, seed, minutes } = options
  mkdirSync(folder, { recursive: true })
  const history = new History(join(folder, `history-${plugin}-${seed}.jsonl`))
  history.add({ kind: 'run', seed, plugin, minutes, at: Date.now() })
  await using stack = new AsyncDisposableStack()
  const cluster = await Cluster.create(plugin)
  stack.defer(() => cluster.destroy())
  if (cluster.disk === null) say('disk full is left out: this user may not mount a tmpfs')
  const proxy = await Proxy.start(cluster.server.port)
  stack.defer(() => proxy.close())
  const receivers = await Receivers.start(history, seed)
  stack.defer(() => receivers.close())
  const config = join(folder, `hookd-${plugin}.yaml`)
  writeFileSync(config, YAML)
  const databaseUrl = proxy.url(cluster.server.url())
  const daemons = new Daemons({ databaseUrl, config, plugin, folder, history })
  stack.defer(() => daemons.close())
  daemons.start()
  await daemons.ready()

  const workload = new Workload()
  await workload.start({ cluster, receivers, seed })
  stack.defer(() => workload.stop())
  const oracle = new Oracle(cluster, history)
  const stop = new AbortController()
  const reading = readRegularly(oracle, stop.signal)
  const counts = await torment(
    {
      scene: { cluster, daemons, proxy, writeConfig: (quality) => writeConfig(config, quality) },
      seed,
      history,
      probe: (timeoutMs) => workload.probe({ cluster, receivers }, timeoutMs),
      onFault: progressTold(say),
    },
    { deadline: Date.now() + minutes * 60_000, faults: options.faults, kills: options.kills },
  )
  say(`${describe(counts)}; healing everything and waiting for what is left`)
  await workload.stop()
  stop.abort()
  await reading
  receivers.heal()
  const converged = await converge(cluster, workload, receivers)
  await daemons.close()
  await oracle.readCommits()
  await oracle.readJournal()
  await oracle.readLedger()
  history.add({ kind: 'end', at: Date.now(), lagBytes: await lagOf(cluster), converged })
  await history.close()
  return history.file
}

function progressTold(say: (line: string) => void): (counts: Counts) => void {
  let told = Date.now()
  return (counts) => {
    if (Date.now() - told < 15_000) return
    told = Date.now()
    say(describe(counts))
  }
}

function describe({ faults, kills }: Counts): string {
  return `${faults} faults, ${kills} kills so far`
}

/** Lets the server forget the WAL that the oracle has seen. */
async function readRegularly(oracle: Oracle, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(COMMITS_EVERY_MS, undefined, { signal }).catch(() => undefined)
    await oracle.readCommits().catch(() => undefined) // the server is away: later
  }
}

/** In one step, because a hookd may be starting now. */
async function writeConfig(file: string, quality: 'good' | 'bad'): Promise<void> {
  const text = quality === 'good' ? `# written at ${Date.now()}\n${YAML}` : YAML.replace('on: insert', 'onn: insert')
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

/** Resumes all subscribers, and waits until nothing is left to send. */
async function converge(cluster: Cluster, workload: Workload, receivers: Receivers): Promise<boolean> {
  const resume = `update hookd.subscribers set active = true, disabled_at = null, label = 'resumed'`
  await waitFor(() => cluster.query(resume), { what: 'the server' })
  // A 410 that was on its way disables once more.
  const resumeAgain = `${resume} where disabled_at is not null`
  if ((await workload.probe({ cluster, receivers }, CONVERGE_MS)) === null) return false
  const [before] = await cluster.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn')
  const isDone = async (): Promise<boolean> => {
    const [state] = await cluster.query<{ done: boolean }>(
      `select progress.lsn > $1::pg_lsn and not exists (select from hookd.deliveries where state = 'pending') as done
       from hookd.progress`,
      [before?.lsn],
    )
    if (state?.done === true) return true
    await cluster.query(resumeAgain)
    // Something has to be committed for the position to move on.
    await workload.probe({ cluster, receivers }, 5000)
    return false
  }
  return waitFor(isDone, { what: 'everything to be settled', timeoutMs: CONVERGE_MS, everyMs: 250 }).catch(() => false)
}

async function lagOf(cluster: Cluster): Promise<number> {
  const [row] = await cluster.query<{ lag: string }>(
    `select pg_current_wal_lsn() - confirmed_flush_lsn as lag from pg_replication_slots where slot_name = 'hookd'`,
  )
  return Number(row?.lag ?? Number.NaN)
}
