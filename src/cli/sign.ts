import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { sign } from '../delivery/sign.ts'
import { UnsendableError } from '../delivery/unsendable.ts'
import { HookdError } from '../errors.ts'
import type { HmacDigest } from '../subscriptions/subscriber.ts'
import { readBody } from './body.ts'
import { addFlags, type Flag, wholeNumber } from './flags.ts'

/** Options that `sign`, `verify` and `listen` share. */
export const SECRET_FLAG: Flag = {
  flag: '--secret <secret>',
  description: "the subscriber's hmac_secret; prefer the environment, since other users of a machine can list flags",
}
export const DIGEST_FLAG: Flag = {
  flag: '--digest <name>',
  description: "the subscriber's hmac_digest, for Hook-HMAC",
  choices: ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'],
  default: 'sha256',
}
export const FILE_FLAG: Flag = { flag: '--file <name>', description: 'the body; else it is read from standard input' }

interface SignFlags {
  readonly secret?: string
  readonly digest: HmacDigest
  readonly file?: string
  readonly id?: string
  readonly timestamp?: number
}

/** `hookd sign`: the headers that hookd would sign a body with. */
export function addSign(program: Command): void {
  const command = program
    .command('sign')
    .summary('print the signature headers of a body')
    .description('print the signature headers of a body')
    .action(async (flags: SignFlags) => {
      const { digest, id = `msg_${randomUUID()}` } = flags
      const secret = requireSecret(command, flags.secret)
      const now = flags.timestamp === undefined ? Date.now() : flags.timestamp * 1000
      const body = await readBody(flags.file)
      const { hookHmac, webhookSignature } = signed(secret, digest, { id, body, now })
      console.log(`Hook-HMAC: ${hookHmac}`)
      console.log(`webhook-id: ${id}`)
      console.log(`webhook-timestamp: ${Math.floor(now / 1000)}`)
      console.log(`webhook-signature: ${webhookSignature}`)
    })
  addFlags(command, [
    SECRET_FLAG,
    DIGEST_FLAG,
    FILE_FLAG,
    { flag: '--id <id>', description: 'webhook-id; a random one by default' },
    { flag: '--timestamp <seconds>', description: 'webhook-timestamp; now by default', parse: wholeNumber() },
  ])
}

/** The secret; ends the command with a usage error where none was given. */
export function requireSecret(command: Command, secret: string | undefined): string {
  if (secret !== undefined && secret !== '') return secret
  return command.error("error: no secret: set HOOKD_SECRET to the subscriber's hmac_secret, or pass --secret")
}

function signed(secret: string, digest: HmacDigest, content: { id: string; body: Buffer; now: number }) {
  try {
    return sign({ secret, oldSecret: null, oldSecretUntil: null, digest }, content)!
  } catch (error) {
    if (error instanceof UnsendableError)
      throw new HookdError('HOOKD_BAD_SECRET', `${error.message}.`, { cause: error })
    throw error
  }
}
