import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { replayInSteps } from '../../src/cli/replay-steps.ts'
import { createMigratedDatabase } from '../support/migrated.ts'
import { SERVER_KINDS, type Database } from '../support/postgres.ts'
import { refusalOf } from '../support/subscribers.ts'

const NOBODY = '00000000-0000-4000-8000-000000000000'

describe.each(SERVER_KINDS)('hookd.replay() on %s', (kind) => {
  let db: Database
  beforeAll(async () => {
    db = await createMigratedDatabase(kind)
  })
  beforeEach(async () => {
    await db.query('truncate hookd.deliveries, hookd.messages')
  })

  const DEAD = { state: 'dead', event: 'article.created', subscriber: NOBODY, settled: '2026-01-02', body: 'x' }

  async function settle(
    columns: Partial<Record<keyof typeof DEAD, string | null>> = {},
  ): Promise<{ id: string; message: string }> {
    const delivery = { ...DEAD, ...columns }
    const id = randomUUID()
    const message = `msg_${id}`
    await db.query(
      `insert into hookd.messages (id, variant, event, declared_event, content_type, body)
       values ($1, 'v', $2, $2, 'application/json', $3)`,
      [message, delivery.event, delivery.body === null ? null : Buffer.from(delivery.body)],
    )
    await db.query(
      `insert into hookd.deliveries
         (id, message_id, variant, event, subscriber_id, state, attempts, row_key, commit_lsn, lsn, ordinal, batch_id, settled_at)
       values ($1, $2, 'v', $3, $4, $5, 11, 'k', '0/2', '0/1', 0, $1, $6)`,
      [
        id,
        message,
        delivery.event,
        delivery.subscriber,
        delivery.state,
        delivery.state === 'pending' ? null : delivery.settled,
      ],
    )
    return { id, message }
  }

  async function replay(parameters: string, values: unknown[] = []): Promise<string> {
    const [row] = await db.query(`select hookd.replay(${parameters}) as count`, values)
    return row.count
  }

  async function pending(): Promise<string[]> {
    const rows = await db.query(`select id from hookd.deliveries where state = 'pending' and replayed = 1`)
    return rows.map((row) => row.id)
  }

  test.each(['dead', 'delivered', 'cancelled'])(
    'makes a %s delivery pending again, as if never tried',
    async (state) => {
      const { id } = await settle({ state })
      expect(await replay('$1', [id])).toBe('1')
      expect(
        await db.query(
          `select state, attempts, replayed, batch_id, settled_at, next_attempt_at = updated_at as at_once from hookd.deliveries`,
        ),
      ).toEqual([{ state: 'pending', attempts: 0, replayed: 1, batch_id: null, settled_at: null, at_once: true }])
    },
  )

  test('takes all deliveries of a message', async () => {
    const { id, message } = await settle()
    await settle()
    expect(await replay('message => $1', [message])).toBe('1')
    expect(await pending()).toEqual([id])
  })

  test('takes dead letters by event or pattern, subscriber and time, all of which must fit', async () => {
    const { id } = await settle()
    await settle({ event: 'order.large' })
    await settle({ subscriber: randomUUID() })
    await settle({ settled: '2026-01-01' })
    await settle({ settled: '2026-01-03' })
    await settle({ state: 'delivered' })
    expect(
      await replay(`event => 'article.*', subscriber => $1, since => '2026-01-02', until => '2026-01-03'`, [NOBODY]),
    ).toBe('1')
    expect(await pending()).toEqual([id])
  })

  test('takes another state where it is told to', async () => {
    await settle()
    const { id } = await settle({ state: 'delivered' })
    expect(await replay(`state => 'delivered'`)).toBe('1')
    expect(await pending()).toEqual([id])
  })

  test('takes the oldest first up to max_count', async () => {
    await settle({ settled: '2026-01-03' })
    const { id } = await settle({ settled: '2026-01-01' })
    expect(await replay(`state => 'dead', max_count => 1`)).toBe('1')
    expect(await pending()).toEqual([id])
    expect(await replay(`state => 'dead', max_count => 5`)).toBe('1')
    expect(await replay(`state => 'dead', max_count => 5`)).toBe('0')
  })

  test('leaves what is pending alone', async () => {
    await settle({ state: 'pending' })
    expect(await replay(`event => '*'`)).toBe('0')
    expect(await db.query('select attempts, replayed from hookd.deliveries')).toEqual([{ attempts: 11, replayed: 0 }])
  })

  test('tells a running daemon, once it commits and only if there is something to send', async () => {
    const listener = await db.client()
    const heard: string[] = []
    listener.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload}`))
    await listener.query('listen hookd')
    await replay(`state => 'dead'`)
    const { id } = await settle()
    await replay('$1', [id])
    await listener.query('select 1')
    expect(heard).toEqual(['hookd replay'])
  })

  test('by "hookd replay" goes in steps, leaves out what is settled meanwhile, and can be taken up again', async () => {
    for (let at = 0; at < 35; at++) {
      const settled = `2026-01-02 00:00:00.0000${String(Math.min(Math.max(at, 10), 22)).padStart(2, '0')}`
      await settle({ settled, body: at % 10 === 3 ? null : 'x' })
    }
    await settle({ settled: '2026-01-03', state: 'delivered' })
    const choice = { event: 'article.*', subscriber: null, state: null, since: null, until: null }
    const client = await db.client()
    const seen: number[] = []
    const interrupted = replayInSteps(client, choice, {
      atOnce: 10,
      progress(count) {
        seen.push(count)
        if (seen.length === 2) throw new Error('Ctrl-C')
      },
    })
    await expect(interrupted).rejects.toThrow('Ctrl-C')
    expect(await pending()).toHaveLength(seen[1]!)
    await db.query(`update hookd.deliveries set state = 'dead', settled_at = now() + interval '1 hour'
      where id = (select id from hookd.deliveries where state = 'pending' limit 1)`)
    const rest = await replayInSteps(client, choice, { atOnce: 10, progress: (count) => seen.push(count) })
    expect(seen[1]! + rest).toBe(31)
    expect(await pending()).toHaveLength(30)
    expect(seen).toEqual([10, 19, 12])
    const steps = await db.query(`select from hookd.deliveries where state = 'pending' group by xmin::text`)
    expect(steps.length).toBeGreaterThan(2)
  })

  test('refuses a delivery whose body is gone', async () => {
    const { id } = await settle({ body: null })
    const { id: swept, message } = await settle()
    await db.query('delete from hookd.messages where id = $1', [message])
    for (const delivery of [id, swept]) {
      expect(await refusalOf(replay('$1', [delivery]))).toMatchObject({
        code: '55000',
        message: 'the body of that message is gone, or could never be rendered',
        hint: 'Change the row again to have it sent anew.',
      })
    }
  })

  test('leaves bodies that are gone out of many, and says how many', async () => {
    await settle({ body: null })
    const { id } = await settle()
    const client = await db.client()
    const notices: (string | undefined)[] = []
    client.on('notice', ({ message }) => notices.push(message))
    const { rows } = await client.query(`select hookd.replay(state => 'dead') as count`)
    expect(rows).toEqual([{ count: '1' }])
    expect(await pending()).toEqual([id])
    expect(notices).toEqual(['1 deliveries were left out: their bodies are gone, or could never be rendered'])
  })

  test('called twice at once replays once', async () => {
    const { id } = await settle()
    const first = await db.client()
    await first.query('begin')
    await first.query('select hookd.replay($1)', [id])
    const second = db.query(`select hookd.replay(state => 'dead') as count`)
    await first.query('commit')
    expect(await second).toEqual([{ count: '0' }])
    expect(await db.query('select replayed from hookd.deliveries')).toEqual([{ replayed: 1 }])
  })

  test.each([
    ['', '22023', 'hookd.replay() was not told what to send again'],
    ['max_count => 5', '22023', 'hookd.replay() was not told what to send again'],
    [`state => 'pending'`, '22023', 'invalid state "pending"'],
    [`'${NOBODY}'`, 'P0002', 'there is no settled delivery of that id'],
    [`message => 'msg_x'`, 'P0002', 'there is no settled delivery of that id'],
  ])('refuses replay(%s)', async (parameters, code, message) => {
    const refusal = await refusalOf(replay(parameters))
    expect(refusal).toMatchObject({ code, message })
    expect(refusal.hint).toMatch(/\.$/)
  })
})
