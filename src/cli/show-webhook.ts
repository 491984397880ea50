import { styleText } from 'node:util'
import { layoutJson } from './layout-json.ts'
import type { ReceivedRequest } from './receiver.ts'

/** Headers of HTTP itself, which say nothing about the webhook. */
const PLUMBING =
  /^(host|connection|content-length|accept-encoding|keep-alive|transfer-encoding|user-agent|content-type)$/i

/** The headers that tell of the webhook and its body, indented, the body broken to `width` characters. */
export function formatWebhook(request: ReceivedRequest, { indent = '  ', width = 100 } = {}): string {
  const headers = request.headers
    .filter(([name]) => !PLUMBING.test(name))
    .map(([name, value]) => `${styleText('dim', `${name}:`)} ${printable(value)}`)
  const body = layoutBody(request, width - indent.length)
  return [...headers, ...body.split('\n')].map((line) => `${indent}${line}\n`).join('')
}

/** The value of a header, by its name in any case. */
export function headerOf({ headers }: ReceivedRequest, name: string): string | null {
  const wanted = name.toLowerCase()
  return headers.find(([key]) => key.toLowerCase() === wanted)?.[1] ?? null
}

function layoutBody(request: ReceivedRequest, width: number): string {
  const text = request.body.toString('utf8')
  const isJson = /^application\/([a-z.+-]*\+)?json/i.test(headerOf(request, 'content-type') ?? '')
  return printable(isJson ? layoutJson(text, width) : text)
}

/** What a terminal would obey rather than show is replaced. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '�')
}
