import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Aborts on the first SIGINT or SIGTERM; the second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(128 + constants.signals[name])
      stop.abort()
    })
  }
  return stop.signal
}
