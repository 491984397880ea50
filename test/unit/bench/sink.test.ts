import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sink, startSink } from '../../../bench/start-sink.ts'

let sink: Sink
beforeAll(async () => {
  sink = await startSink(2)
})
afterAll(() => sink.close())

function message(id: number, committedAt = new Date()): object {
  const data = { id, text: 'x'.repeat(100) }
  return { event: 'article.created', data, meta: { id, committed_at: committedAt.toISOString(), lsn: '0/1' } }
}

async function post(body: unknown, port = 0): Promise<number> {
  const answer = await fetch(sink.urls[port]!, { method: 'POST', body: JSON.stringify(body) })
  return answer.status
}

test('the sink counts requests of one message and every member of an array', async () => {
  const { mark, done } = sink.expect({ total: 4, markAt: 1 })
  expect(await post(message(1))).toBe(204)
  expect(await post([message(2), message(3), message(4)])).toBe(204)
  expect(await mark).toMatchObject({ counted: 1 })
  expect(await done).toMatchObject({ counted: 4, requests: 2 })
})

test('latency is from the commit in the body to the receipt, of what comes after the mark', async () => {
  const { done } = sink.expect({ total: 2, markAt: 1, latency: true })
  await post(message(1))
  await post(message(2, new Date(Date.now() - 60_000)))
  const { latencies } = await done
  expect(latencies).toHaveLength(1)
  expect(latencies[0]).toBeGreaterThanOrEqual(60_000)
  expect(latencies[0]).toBeLessThan(90_000)
})

test('a port that does not count is answered all the same', async () => {
  const { done } = sink.expect({ total: 1, uncounted: [1] })
  expect(await post(message(1), 1)).toBe(204)
  expect(await post(message(2), 0)).toBe(204)
  expect(await done).toMatchObject({ counted: 1, requests: 2 })
})

test('what is refused at first does not count', async () => {
  sink.expect({ total: 1, failForMs: 60_000 })
  expect(await post(message(1))).toBe(500)
  const { done } = sink.expect({ total: 1 })
  expect(await post(message(1))).toBe(204)
  expect(await done).toMatchObject({ counted: 1, requests: 1 })
})
