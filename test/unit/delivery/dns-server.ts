import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { atEnd } from '../../support/at-end.ts'

/** What the server says about a name: addresses, an error code, or nothing at all. */
export type Zone = Record<
  string,
  { v4?: readonly string[]; v6?: readonly string[]; ttl?: number; code?: number; silent?: true; alias?: string }
>

export const SERVFAIL = 2
const NXDOMAIN = 3
const A = 1
const CNAME = 5
const AAAA = 28

export interface DnsServer {
  /** `127.0.0.1:5353` */
  readonly address: string
  /** `A example.com`, in the order in which they came. */
  readonly queries: readonly string[]
}

/** Serves a zone over UDP on 127.0.0.1; the zone may change meanwhile. Other names do not exist; the root does. */
export async function aDnsServer(zone: Zone): Promise<DnsServer> {
  const queries: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    const { name, type, end } = readQuestion(message)
    queries.push(`${{ [A]: 'A', [AAAA]: 'AAAA' }[type] ?? type} ${name}`)
    const entry = zone[name] ?? (name === '' ? {} : undefined)
    if (entry?.silent) return
    const code = entry === undefined ? NXDOMAIN : (entry.code ?? 0)
    const addresses = (type === A ? entry?.v4 : type === AAAA ? entry?.v6 : undefined) ?? []
    const answers = code === 0 ? addresses.map((address) => record(type, address, entry?.ttl ?? 60)) : []
    if (entry?.alias !== undefined) answers.push(...alias(zone, entry.alias))
    const header = Buffer.from([message[0]!, message[1]!, 0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0])
    header.writeUInt16BE(answers.length, 6)
    socket.send(Buffer.concat([header, message.subarray(12, end), ...answers]), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  atEnd(async () => {
    socket.close()
    await once(socket, 'close')
  })
  return { address: `127.0.0.1:${socket.address().port}`, queries }
}

/** https://www.rfc-editor.org/rfc/rfc1035#section-4.1.2 */
function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  while (message[at]! > 0) {
    const length = message[at]!
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

/** The name that was asked for, by its place in the message. */
const QUESTION = Buffer.from([0xc0, 0x0c])

function record(type: number, address: string, ttl: number): Buffer {
  return answerOf(QUESTION, {
    type,
    ttl,
    data: type === A ? Buffer.from(address.split('.').map(Number)) : ipv6(address),
  })
}

function answerOf(name: Buffer, { type, ttl, data }: { type: number; ttl: number; data: Buffer }): Buffer {
  const head = Buffer.from([0, type, 0, 1, 0, 0, 0, 0, 0, data.length])
  head.writeUInt32BE(ttl, 4)
  return Buffer.concat([name, head, data])
}

/** The CNAME of the name that was asked for, and that of the name it leads to. */
function alias(zone: Zone, target: string): Buffer[] {
  const onward = zone[target]?.alias
  const first = answerOf(QUESTION, { type: CNAME, ttl: 60, data: encoded(target) })
  if (onward === undefined) return [first]
  return [first, answerOf(encoded(target), { type: CNAME, ttl: 60, data: encoded(onward) })]
}

function encoded(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.from([0])])
}

function ipv6(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [left, right] = [groups(head), groups(tail)]
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]))
}
