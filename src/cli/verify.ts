import type { Command } from 'commander'
import { verify, type VerifiedWebhook, WebhookVerificationError } from '../delivery/verify.ts'
import type { HmacDigest } from '../subscriptions/subscriber.ts'
import { readBody, readNamed } from './body.ts'
import { addFlags, wholeNumber } from './flags.ts'
import { DIGEST_FLAG, FILE_FLAG, requireSecret, SECRET_FLAG } from './sign.ts'

interface VerifyFlags {
  readonly secret?: string
  readonly digest: HmacDigest
  readonly file?: string
  readonly header?: readonly string[]
  readonly headers?: string
  readonly tolerance: number | string
}

/** `hookd verify`: whether a body and its headers come from somebody who knows the secret. Exit 0 or 1. */
export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .summary('check the signature of a body')
    .description('check the signature of a body; exit 0 if it is right, 1 if not')
    .action(async (flags: VerifyFlags) => {
      const secret = requireSecret(command, flags.secret)
      const headers = await readHeaders(command, flags)
      const body = await readBody(flags.file)
      const options = { digest: flags.digest, toleranceSeconds: Number(flags.tolerance) }
      try {
        console.log(describe(verify({ headers, body }, secret, options)))
      } catch (error) {
        if (!(error instanceof WebhookVerificationError)) throw error
        console.log(`invalid: ${error.message}`)
        process.exitCode = 1
      }
    })
  addFlags(command, [
    SECRET_FLAG,
    DIGEST_FLAG,
    FILE_FLAG,
    { flag: '--header <line>', description: 'a header of the request, "Name: value"; once for each', repeatable: true },
    { flag: '--headers <file>', description: 'a file with the headers of the request, one a line' },
    {
      flag: '--tolerance <seconds>',
      description: 'how old the signature may be, or ahead of this clock',
      default: '300',
      parse: wholeNumber(),
    },
  ])
}

async function readHeaders(command: Command, { header = [], headers }: VerifyFlags): Promise<[string, string][]> {
  const lines = headers === undefined ? [] : (await readNamed(headers)).toString('latin1').split(/\r?\n/)
  const pairs = [...header, ...lines].flatMap((line): [string, string][] => {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [[name, value]]
  })
  if (pairs.length > 0) return pairs
  return command.error('error: no headers: pass those of the request with --header "webhook-signature: v1,…" and so on')
}

function describe({ scheme, id, event }: VerifiedWebhook): string {
  const name = scheme === 'hook-hmac' ? 'Hook-HMAC' : 'webhook-signature'
  return `valid: ${[name, id, event].filter((part) => part !== null).join(', ')}`
}
