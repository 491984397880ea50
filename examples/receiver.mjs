// Receives hookd's webhooks and checks their signatures. Node.js 18 or newer, no packages.
//
//   WEBHOOK_SECRET=whsec_… node receiver.mjs 8080
//
// WEBHOOK_SECRET is the subscriber's hmac_secret. With the package "hookd" at hand, verify() of it does the same:
//   import { verify } from 'hookd'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const PORT = Number(process.argv[2] ?? process.env.PORT ?? 8080)
const SECRET = process.env.WEBHOOK_SECRET ?? ''
const TOLERANCE_SECONDS = 300
const MAX_BODY_BYTES = 16 * 1024 * 1024

if (SECRET === '') {
  console.error("set WEBHOOK_SECRET to the subscriber's hmac_secret")
  process.exit(2)
}

// The key is the base64 behind "whsec_", or else the secret's own bytes.
const KEY = SECRET.startsWith('whsec_') ? Buffer.from(SECRET.slice(6), 'base64') : Buffer.from(SECRET, 'utf8')

// Ids of webhooks that were handled: hookd sends one again rather than lose it. Real receivers keep them in their
// database, in the transaction that does the work. webhook-id is covered by the signature, Hook-Delivery is not.
const handled = new Set()

function isGenuine(headers, body) {
  const id = headers['webhook-id'] ?? ''
  const timestamp = headers['webhook-timestamp'] ?? ''
  const signatures = (headers['webhook-signature'] ?? '').split(' ')
  if (!/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false
  const expected = createHmac('sha256', KEY).update(`${id}.${timestamp}.`).update(body).digest()
  // There are two while a secret is being rotated: one of each.
  return signatures.some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64')
    return signature.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

function handle(webhook) {
  for (const { event, data } of Array.isArray(webhook) ? webhook : [webhook]) console.log(event, JSON.stringify(data))
}

/** The status to answer with. */
async function receive(request) {
  if (request.method !== 'POST') return 405
  if (!(Number(request.headers['content-length']) <= MAX_BODY_BYTES)) return 413
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  // The signature covers the bytes as they came: check them before anything parses them.
  const body = Buffer.concat(chunks)
  if (!isGenuine(request.headers, body)) return 401
  const id = request.headers['webhook-id']
  if (!handled.has(id)) handle(JSON.parse(body.toString('utf8')))
  handled.add(id)
  return 200
}

const server = createServer((request, response) => {
  receive(request).then(
    (status) => response.writeHead(status).end(),
    (error) => {
      console.error(error.message)
      response.writeHead(500).end() // hookd will try again
    },
  )
})

server.listen(PORT, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}/`))
