import { styleText } from 'node:util'
import { type Command, InvalidArgumentError } from 'commander'
import type { HmacDigest } from '../subscriptions/subscriber.ts'
import { addFlags, wholeNumber } from './flags.ts'
import { type ReceivedRequest, startReceiver } from './receiver.ts'
import { formatWebhook, headerOf } from './show-webhook.ts'
import { DIGEST_FLAG, SECRET_FLAG } from './sign.ts'
import { stopSignal } from './stop-signal.ts'
import { webhookProblem } from './webhook-problem.ts'

interface ListenFlags {
  readonly host: string
  readonly port: number | string
  readonly secret?: string
  readonly digest: HmacDigest
  readonly status?: readonly number[]
  readonly count?: number
  readonly json?: boolean
}

/** `hookd listen`: an endpoint to try hookd with. */
export function addListen(program: Command): void {
  const command = program
    .command('listen')
    .summary('receive webhooks, verify and print them')
    .description('receive webhooks, verify them and print them')
    .action((flags: ListenFlags) => listen(flags))
  addFlags(command, [
    {
      flag: '--port <port>',
      description: 'port to listen on; 0 takes a free one',
      default: '8080',
      parse: wholeNumber(),
    },
    { flag: '--host <address>', description: 'address to listen on', default: '127.0.0.1' },
    {
      ...SECRET_FLAG,
      description: `verify with this secret, and answer 401 to what is not signed with it; ${SECRET_FLAG.description}`,
    },
    DIGEST_FLAG,
    {
      flag: '--status <codes>',
      description: 'what to answer: 500,500,200 fails twice; the last one goes on',
      parse: statusCodes,
    },
    { flag: '--count <n>', description: 'exit after so many', parse: wholeNumber(1) },
    { flag: '--json', description: 'print one JSON object a webhook' },
  ])
}

async function listen({
  host,
  port,
  secret,
  digest,
  status = [200],
  count = Infinity,
  json = false,
}: ListenFlags): Promise<void> {
  const done = new AbortController()
  const signal = AbortSignal.any([stopSignal(), done.signal])
  let received = 0
  const receiver = await startReceiver({ host, port: Number(port) }, (request) => {
    const problem = secret === undefined ? null : webhookProblem(request, secret, digest)
    const code = problem === null ? (status[Math.min(received, status.length - 1)] ?? 200) : 401
    received += 1
    const checked = secret === undefined ? 'not checked' : (problem ?? 'verified')
    process.stdout.write(
      json ? `${JSON.stringify(toJson(request, code, checked))}\n` : describe(request, code, checked),
    )
    if (problem !== null) process.exitCode = 1
    if (received >= count) setImmediate(() => done.abort()) // after the answer
    return code
  })
  console.error(introduce(receiver.url, secret))
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  await receiver.close()
}

function introduce(url: string, secret: string | undefined): string {
  return [
    `listening on ${url}`,
    ...(secret === undefined ? ['signatures are not checked; set HOOKD_SECRET to check them'] : []),
    `subscribe it:  insert into hookd.subscribers (event, url) values ('*', '${url}');`,
    'and let hookd send here, in hookd.yaml:  recipients: { block_internal: false, ports: any }',
    '',
  ].join('\n')
}

function describe(request: ReceivedRequest, code: number, checked: string): string {
  const time = new Date(request.at).toISOString().slice(11, 23)
  const colour = checked === 'verified' ? 'green' : checked === 'not checked' ? 'yellow' : 'red'
  const event = headerOf(request, 'hook-event') ?? `${request.method} ${request.path}`
  const head = `${time}  ${styleText('bold', event)}  answered ${code}  ${styleText(colour, checked)}`
  return `${head}\n${formatWebhook(request)}\n`
}

function toJson({ method, path, headers, body, at }: ReceivedRequest, code: number, checked: string) {
  return {
    at: new Date(at).toISOString(),
    method,
    path,
    headers: Object.fromEntries(headers),
    body: body.toString('utf8'),
    answered: code,
    checked,
  }
}

function statusCodes(text: string): number[] {
  const codes = text.split(',').map(Number)
  if (codes.every((code) => Number.isInteger(code) && code >= 200 && code <= 599)) return codes
  throw new InvalidArgumentError('It must be a status from 200 to 599, or several with commas between them.')
}
