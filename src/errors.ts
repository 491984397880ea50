/**
 * An error that the operator can fix: the message says what is wrong, where, and what to do next.
 *
 * The command line prints it without a stack and exits 1. `code` is stable and safe to match on.
 */
export class HookdError extends Error {
  override readonly name = 'HookdError'
  readonly code: string

  constructor(code: `HOOKD_${string}`, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
