/** Runs a `Sender` in a thread of its own; `SenderThreads` starts it. */
import { parentPort, workerData } from 'node:worker_threads'
import type { RecipientPolicy } from '../matching/event.ts'
import { Lease } from './lease.ts'
import type { Answer } from './outcome.ts'
import { Sender } from './send.ts'
import type { FromThread, ToThread } from './thread-messages.ts'
import { unpackBodies } from './thread-messages.ts'

const port = parentPort!
const lease = new Lease(workerData as SharedArrayBuffer)
const sender = new Sender({
  mayStart: () => lease.isValid,
  onRedial: (host) => port.postMessage({ kind: 'redialled', host } satisfies FromThread),
})
const policies = new Map<string, RecipientPolicy>()
let answers: [number, Answer][] = []

port.on('message', (message: ToThread) => {
  if (message.kind === 'send') send(message)
  else void close()
})

function send({ requests, bodies, policies: fresh }: Extract<ToThread, { kind: 'send' }>): void {
  for (const [name, policy] of fresh) policies.set(name, policy)
  const unpacked = unpackBodies(requests, bodies)
  for (const [at, request] of requests.entries()) {
    const recipients = policies.get(request.policy)!
    const headers = request.headers.split('\n')
    void sender
      .send({ ...request, headers, recipients, body: unpacked[at]! })
      .then((answer) => tell(request.id, answer))
  }
}

/** Answers that come in one turn of the event loop go back together. */
function tell(id: number, answer: Answer): void {
  if (answers.length === 0) setImmediate(post)
  answers.push([id, answer.kind === 'response' ? { ...answer, body: detached(answer.body) } : answer])
}

function post(): void {
  if (answers.length === 0) return
  port.postMessage({ kind: 'answers', answers } satisfies FromThread)
  answers = []
}

async function close(): Promise<void> {
  await sender.close()
  post()
  port.close()
}

/** A copy as long as its content: posting a part of a larger piece of memory would copy all of that. */
function detached(body: Buffer): Buffer {
  return Buffer.from(new Uint8Array(body).buffer)
}
