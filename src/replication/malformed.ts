import { HookdError } from '../errors.ts'

/** A message of the plugin is not of the form that it should have. The message never holds a value of a row. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

/** Why decoding failed, without the text of errors that may quote a value. */
export function reasonOf(error: unknown): string {
  if (error instanceof MalformedMessage) return error.message
  if (error instanceof RangeError) return 'the message ends too early'
  return `the message cannot be decoded (${error instanceof Error ? error.name : typeof error})`
}

/** The frame of a transaction cannot be read: the plugin is not what hookd believes it to be. */
export function unreadableStream(lsn: string, cause: unknown): HookdError {
  return new HookdError(
    'HOOKD_STREAM_UNREADABLE',
    `cannot tell the transaction of the message at LSN ${lsn}: ${reasonOf(cause)}. ` +
      'Run "hookd check" to see which plugin the slot uses.',
    { cause },
  )
}
