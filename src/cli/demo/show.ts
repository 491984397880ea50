import { styleText } from 'node:util'
import { formatWebhook } from '../show-webhook.ts'
import type { Arrival } from './endpoint.ts'

const WIDTH = 100

/** A line across the page with a title in it. */
export function formatTitle(title: string): string {
  return `\n${styleText('bold', `── ${title} ${'─'.repeat(WIDTH - title.length - 4)}`)}\n\n`
}

/** A statement as one would type it. */
export function formatSql(sql: string): string {
  return `${sql
    .split('\n')
    .map((line) => `    ${styleText('cyan', line)}\n`)
    .join('')}\n`
}

export interface Verdict {
  /** What is wrong with the signature; null where it is right. */
  readonly problem: string | null
  /** From the commit to the last byte of the request; null where the body does not say when that was. */
  readonly afterMs: number | null
}

/** A webhook in one line: event, answer, time since the commit, signature. */
export function formatArrival({ event, status }: Arrival, { problem, afterMs }: Verdict): string {
  const answer = status === 200 ? 'answered 200' : styleText('yellow', `answered ${status}`)
  const signature = problem === null ? styleText('green', 'signature verified') : styleText('red', problem)
  const time = afterMs === null ? [] : [`${afterMs.toFixed(1)} ms after the commit`]
  return `  → ${[styleText('bold', event), ...time, answer, signature].join('   ')}\n`
}

/** The headers and the body below it. */
export function formatContent({ request }: Arrival): string {
  return `${formatWebhook(request, { indent: '      ', width: WIDTH })}\n`
}

/** A remark of the guide. */
export function formatNote(text: string): string {
  return `  ${text}\n`
}
