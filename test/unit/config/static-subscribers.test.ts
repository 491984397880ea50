import { expect, test } from 'vitest'
import { load, loadEvent } from './load-config.ts'

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='

test('null and empty entries are ignored', () => {
  const event = loadEvent('{ manual: true, subscribers: [~, "", "https://a.example/", "  "] }')
  expect(event.subscribers.map(({ url }) => url)).toEqual(['https://a.example/'])
})

test('one without a secret stays without, so that it is never signed with a secret that nobody knows', () => {
  const event = loadEvent(
    `{ manual: true, subscribers: [https://a.example/, { url: https://b.example/, secret: ${SECRET} }] }`,
  )
  expect(event.subscribers.map(({ secret }) => secret)).toEqual([null, SECRET])
})

test('the id follows from event and URL alone', () => {
  const one = loadEvent('{ manual: true, subscribers: [https://a.example/] }').subscribers
  const two = loadEvent(
    `{ manual: true, subscribers: [https://b.example/, { url: https://a.example/, secret: ${SECRET} }] }`,
  )
  expect(one[0]?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(two.subscribers[1]?.id).toBe(one[0]?.id)
  expect(two.subscribers[0]?.id).not.toBe(one[0]?.id)
  const other = load('events: { c: { manual: true, subscribers: [https://a.example/] } }').events[0]
  expect(other?.subscribers[0]?.id).not.toBe(one[0]?.id)
})

test('their ports are judged by the recipients of their event', () => {
  const body =
    'manual: true, subscribers: [http://127.0.0.1:8080/], recipients: { ports: [8080], block_internal: false }'
  expect(loadEvent(`{ ${body} }`).subscribers).toHaveLength(1)
})
