interface WaitOptions {
  /** What is waited for, completing "waited 20000 ms for …". */
  readonly what?: string
  /** Default 20 s. */
  readonly timeoutMs?: number
  /** Pause between two looks; default 20 ms. */
  readonly everyMs?: number
}

/**
 * Asks `fact` again and again until it gives something truthy, and returns that.
 *
 * A `fact` that throws counts as not yet true; its last error is the cause of the failure.
 */
export async function waitFor<T>(fact: () => T | Promise<T>, options: WaitOptions = {}): Promise<NonNullable<T>> {
  const { what = 'a fact', timeoutMs = 20_000, everyMs = 20 } = options
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      const value = await fact()
      if (value) return value
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms for ${what}, in vain`, { cause })
    await pause(everyMs)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
