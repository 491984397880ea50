import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { sign } from '../../src/delivery/sign.ts'
import { atEnd } from '../support/at-end.ts'
import { waitFor } from '../support/wait.ts'

const SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='
const OLD_SECRET = 'the secret before it was rotated'
const BODY = '{"event":"article.created","ref":null,"sender":null,"data":{"title":"Überschrift ☃"}}'

/** Interpreters that this machine has; under CI those of the examples that are run here must be there. */
function isInstalled(interpreter: string): boolean {
  const isRequired = process.env['CI'] === 'true' && ['node', 'python3'].includes(interpreter)
  return isRequired || spawnSync(interpreter, ['--version']).status === 0
}

const RUN = [
  { interpreter: 'node', file: 'receiver.mjs' },
  { interpreter: 'python3', file: 'receiver.py' },
].filter(({ interpreter }) => isInstalled(interpreter))

const READ = [
  { interpreter: 'ruby', flag: '-wc', file: 'receiver.rb' },
  { interpreter: 'php', flag: '-l', file: 'receiver.php' },
].filter(({ interpreter }) => isInstalled(interpreter))

interface Signing {
  readonly id?: string
  readonly secret?: string
  readonly oldSecret?: string | null
  readonly now?: number
  readonly body?: string
}

/** The headers that hookd sends with a body. */
function signed({ id = 'msg_1', secret = SECRET, oldSecret = null, now = Date.now(), body = BODY }: Signing = {}) {
  const secrets = { secret, oldSecret, oldSecretUntil: Infinity, digest: 'sha256' } as const
  const { webhookSignature } = sign(secrets, { id, body: Buffer.from(body), now })!
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': webhookSignature,
  }
}

async function startExample(interpreter: string, file: string, secret = SECRET) {
  const path = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url))
  const child = spawn(interpreter, [path, '0'], { env: { PATH: process.env['PATH'], WEBHOOK_SECRET: secret } })
  const ended = new Promise((resolve) => child.once('close', resolve))
  atEnd(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [, url = ''] = await waitFor(() => /listening on (\S+)/.exec(output), { what: `${file} to listen` })
  return {
    output: () => output,
    post: async (headers: Record<string, string>, body = BODY): Promise<number> =>
      (await fetch(url, { method: 'POST', headers, body })).status,
  }
}

describe.each(RUN)('examples/$file', ({ interpreter, file }) => {
  test('takes what hookd has signed, and refuses everything else', async () => {
    const { post } = await startExample(interpreter, file)
    const now = Date.now()
    const answers = {
      genuine: await post(signed()),
      tampered: await post(signed(), BODY.replace('created', 'removed')),
      'another id': await post({ ...signed(), 'webhook-id': 'msg_2' }),
      'another secret': await post(signed({ secret: OLD_SECRET })),
      stale: await post(signed({ now: now - 301_000 })),
      'almost stale': await post(signed({ now: now - 290_000 })),
      'from the future': await post(signed({ now: now + 310_000 })),
      'made younger': await post({
        ...signed({ now: now - 301_000 }),
        'webhook-timestamp': signed()['webhook-timestamp'],
      }),
      'no timestamp': await post({ ...signed(), 'webhook-timestamp': 'now' }),
      'no signature': await post({ ...signed(), 'webhook-signature': '' }),
      'no version': await post({ ...signed(), 'webhook-signature': signed()['webhook-signature'].slice(3) }),
      'no headers': await post({}),
    }
    expect(answers).toEqual({
      genuine: 200,
      tampered: 401,
      'another id': 401,
      'another secret': 401,
      stale: 401,
      'almost stale': 200,
      'from the future': 401,
      'made younger': 401,
      'no timestamp': 401,
      'no signature': 401,
      'no version': 401,
      'no headers': 401,
    })
  })

  test('takes both signatures of a rotation, whichever secret it has', async () => {
    const rotating = signed({ oldSecret: OLD_SECRET })
    for (const secret of [SECRET, OLD_SECRET]) {
      const { post } = await startExample(interpreter, file, secret)
      expect(await post(rotating)).toBe(200)
    }
  })

  test('handles a webhook once that comes twice', async () => {
    const { post, output } = await startExample(interpreter, file)
    const last = BODY.replace('created', 'removed')
    const answers = [await post(signed()), await post(signed()), await post(signed({ id: 'msg_2', body: last }), last)]
    expect(answers).toEqual([200, 200, 200])
    await waitFor(() => output().includes('article.removed'), { what: 'what it handled last' })
    expect(output().match(/^article\.created .*Überschrift ☃.*$/gm)).toHaveLength(1)
  })
})

test.each(READ)('examples/$file is free of syntax errors', ({ interpreter, flag, file }) => {
  const path = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url))
  const { status, stdout, stderr } = spawnSync(interpreter, [flag, path], { encoding: 'utf8' })
  expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: expect.any(String) })
})
