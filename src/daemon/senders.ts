import { availableParallelism } from 'node:os'
import { Sender } from '../delivery/send.ts'
import type { SenderThreadsOptions } from '../delivery/sender-threads.ts'
import { SenderThreads } from '../delivery/sender-threads.ts'
import type { RunSettings } from './prepare.ts'

/** Cores that reading the slot, PostgreSQL's sending of it and everything else keep busy. */
const OTHER_CORES = 2
const MOST_BY_DEFAULT = 4

/** What sends: this thread where it need not share its core, else as many threads as were asked for. */
export function openSender(
  settings: Pick<RunSettings, 'senders' | 'dryRun'>,
  options: SenderThreadsOptions,
): Pick<Sender, 'send' | 'close'> {
  const count = settings.dryRun ? 0 : (settings.senders ?? defaultSenders(availableParallelism()))
  if (count > 0) return new SenderThreads(count, options)
  const { lease, onRedial } = options
  return new Sender({ mayStart: () => lease.isValid, onRedial })
}

/** Threads for a machine with so many cores; 0 sends from the thread that reads. */
export function defaultSenders(cores: number): number {
  return Math.min(MOST_BY_DEFAULT, Math.max(0, cores - OTHER_CORES))
}
