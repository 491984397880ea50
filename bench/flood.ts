/**
 * Sends requests to the sink as fast as it answers: on plain sockets, each with one request under way, always the same bytes.
 *
 *     node bench/flood.ts http://127.0.0.1:8080/
 */
import { connect } from 'node:net'

/** As many as a subscriber of hookd has by default. */
const CONNECTIONS = 8
/** About as long as a request of hookd. */
const BODY = JSON.stringify({ data: 'x'.repeat(400), meta: { committed_at: '2026-01-13T23:12:52.205785Z' } })

const url = new URL(process.argv[2] ?? '')
const head = [
  'POST / HTTP/1.1',
  `Host: ${url.host}`,
  'Content-Type: application/json',
  `Hook-HMAC: ${'x'.repeat(44)}`,
  `webhook-signature: ${'x'.repeat(47)}`,
  `X-Rest: ${'x'.repeat(200)}`,
  `Content-Length: ${BODY.length}`,
]
const request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${BODY}`)

for (let index = 0; index < CONNECTIONS; index++) {
  const socket = connect(Number(url.port), url.hostname)
  socket.setNoDelay(true)
  socket.on('connect', () => socket.write(request))
  // An answer is so short that it comes in one piece.
  socket.on('data', () => socket.write(request))
}
