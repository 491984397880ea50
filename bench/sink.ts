/**
 * The receiving end as a process of its own: an HTTP/1.1 server of the least cost, written on plain sockets so that it is
 * not what limits the sender. It answers every request with 204, or as it is told to, and counts messages.
 *
 * Started by `startSink`, which talks to it over the channel between parent and child.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Order, Report } from './sink-messages.ts'

const HEAD_END = Buffer.from('\r\n\r\n')
const COMMITTED_AT = Buffer.from('"committed_at":"')
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i
/** Bytes of the shortest message, to look for the next one behind. */
const LEAST_MESSAGE = 100
const EMPTY = Buffer.alloc(0)

let order: Order | null = null
let counted = 0
let requests = 0
let bytes = 0
let firstAt: number | null = null
let marked = false
let latencies: number[] = []
/** Wall-clock milliseconds minus `performance.now()`. */
let clockOffset = 0
let answer = answerOf(204)

function tell(report: Report): void {
  process.send?.(report)
}

function answerOf(status: number): string {
  const date = `Date: ${new Date().toUTCString()}\r\n`
  return status === 204
    ? `HTTP/1.1 204 No Content\r\n${date}\r\n`
    : `HTTP/1.1 ${status} x\r\n${date}Content-Length: 0\r\n\r\n`
}

/** `Date.now()` has whole milliseconds only: wait for one to begin. */
function measureClockOffset(): number {
  const before = Date.now()
  for (;;) {
    const now = Date.now()
    if (now !== before) return now - performance.now()
  }
}

function begin(next: Order): void {
  order = next
  counted = 0
  requests = 0
  bytes = 0
  firstAt = null
  marked = false
  latencies = []
  clockOffset = measureClockOffset()
}

/** Counts the messages of one body: one, or those of the array. */
function count(body: Buffer, { latency, markAt, total }: Order): void {
  bytes += body.length
  let found = 0
  for (let at = body.indexOf(COMMITTED_AT); at !== -1; at = body.indexOf(COMMITTED_AT, at + LEAST_MESSAGE)) {
    found++
    if (latency && marked) latencies.push(latencyOf(body, at + COMMITTED_AT.length))
  }
  counted += found
  if (!marked && counted >= markAt) {
    marked = true
    tell({ kind: 'mark', at: performance.now(), counted })
  }
  if (counted >= total && counted - found < total) {
    tell({ kind: 'done', at: performance.now(), counted, requests, bytes, latencies })
  }
}

/** `2026-01-13T23:12:52.205785Z`: the milliseconds from then until now. */
function latencyOf(body: Buffer, at: number): number {
  const text = body.toString('latin1', at, at + 27)
  const seconds = Date.parse(`${text.slice(0, 19)}Z`)
  const fraction = /^\.(\d+)/.exec(text.slice(19))
  return performance.now() + clockOffset - seconds - Number(`0.${fraction?.[1] ?? 0}`) * 1000
}

/** Takes a request in, and says what to answer; null: nothing. */
function receive(body: Buffer, port: number): number | null {
  if (order === null) return 204
  requests++
  firstAt ??= performance.now()
  if (performance.now() - firstAt < order.failForMs) return 500
  if (!order.uncounted.includes(port)) count(body, order)
  return order.hanging.includes(port) ? null : 204
}

function serve(socket: Socket, port: number): void {
  let held: Buffer = EMPTY
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    for (;;) {
      const headEnd = held.indexOf(HEAD_END)
      if (headEnd === -1) return
      const length = CONTENT_LENGTH.exec(held.toString('latin1', 0, headEnd))
      if (length === null) return void socket.end(answerOf(411))
      const end = headEnd + HEAD_END.length + Number(length[1])
      if (held.length < end) return
      const status = receive(held.subarray(headEnd + HEAD_END.length, end), port)
      held = held.length === end ? EMPTY : held.subarray(end)
      if (status !== null) socket.write(status === 204 ? answer : answerOf(status), 'latin1')
    }
  })
}

async function open(ports: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: ports }, (_, index) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      const server = createServer((socket) => serve(socket, index))
      server.listen(0, '127.0.0.1', 1024, () => resolve((server.address() as AddressInfo).port))
      return promise
    }),
  )
}

process.on('message', begin)
process.on('disconnect', () => process.exit())
setInterval(() => (answer = answerOf(204)), 1000).unref()
tell({ kind: 'open', ports: await open(Number(process.argv[2])) })
