import { afterEach, expect } from 'vitest'
import type { Endpoint } from './endpoints.ts'
import type { Answer, Handler } from './receiver.ts'
import { type Stage, readSubscriber } from './stage.ts'
import { signatureFaults } from './verified.ts'

/** An endpoint with the subscriber that leads to it. */
export interface Mailbox extends Endpoint {
  readonly id: string
  /** The secret that it had at the beginning. */
  readonly secret: string
  deliveries(): ReturnType<Stage['deliveries']>
  /** Its row as it is now. */
  row(): ReturnType<typeof readSubscriber>
  change(columns: string): Promise<unknown>
}

/**
 * Gives every test mailboxes of its own. After each test all their requests are verified with the secrets that the
 * subscriber had, and the subscribers are deleted, so that the tests of a file do not meet.
 */
export function createMailroom(stage: () => Stage) {
  const opened: Mailbox[] = []

  afterEach(async () => {
    const faults: string[] = []
    for (const { id, requests, secret, row } of opened.splice(0)) {
      const { hmac_secret, hmac_secret_old, hmac_digest } = await row()
      for (const request of requests) {
        const secrets = [secret, hmac_secret, hmac_secret_old].filter((each) => each !== null)
        const found = secrets.map((each) => signatureFaults(request, each, hmac_digest))
        if (found.every((list) => list.length > 0)) faults.push(...found.flat())
        if (request.headers['hook-subscription'] !== id) faults.push('Hook-Subscription')
      }
    }
    await stage().database.query('delete from hookd.subscribers')
    expect(faults).toEqual([])
  })

  return async function openMailbox(columns: Record<string, unknown> = {}, answer: Handler | Answer = 200) {
    const endpoint = stage().open(answer)
    const id = await stage().subscribe(endpoint.url, { event: 'item.*', ...columns })
    const mailbox: Mailbox = {
      ...endpoint,
      id,
      secret: (await readSubscriber(stage(), id)).hmac_secret,
      deliveries: () => stage().deliveries(id),
      row: () => readSubscriber(stage(), id),
      change: (assignments) =>
        stage().database.query(`update hookd.subscribers set ${assignments} where id = $1`, [id]),
    }
    opened.push(mailbox)
    return mailbox
  }
}
