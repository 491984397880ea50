import { readFile } from 'node:fs/promises'
import { HookdError } from '../errors.ts'

/** The exact bytes of a file, or of standard input where no file is named. */
export async function readBody(file: string | undefined): Promise<Buffer> {
  if (file !== undefined) return readNamed(file)
  if (process.stdin.isTTY) console.error('reading the body from standard input; Ctrl-D ends it')
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** A file that was named on the command line. */
export async function readNamed(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new HookdError('HOOKD_FILE', `cannot read ${file}: ${(cause as Error).message}.`, { cause })
  }
}
