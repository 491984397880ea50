const NEVER = 0n
const NANOS_PER_MS = 1e6

/**
 * Until when this process may send, because the server cannot have given the slot to another one before.
 *
 * Lies in memory that all threads share, so that a request is held back wherever it waits, also while the thread that
 * extends the lease hangs.
 */
export class Lease {
  readonly buffer: SharedArrayBuffer
  /** Nanoseconds of `process.hrtime`, which all threads count alike. */
  readonly #until: BigInt64Array

  /** `buffer`: of the lease of another thread. */
  constructor(buffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#until = new BigInt64Array(buffer)
  }

  get isValid(): boolean {
    return process.hrtime.bigint() < Atomics.load(this.#until, 0)
  }

  /** Milliseconds from now; what was said before no longer counts. */
  extend(forMs: number): void {
    const nanos = BigInt(Math.round(Math.max(0, forMs) * NANOS_PER_MS))
    Atomics.store(this.#until, 0, process.hrtime.bigint() + nanos)
  }

  revoke(): void {
    Atomics.store(this.#until, 0, NEVER)
  }
}
