/** A file with something wrong in it. `¶` marks each place that a problem must name, in order. */
export interface BrokenFile {
  readonly what: string
  readonly text: string
  /** The core of each message, in the order of the marks. */
  readonly messages: readonly string[]
}

/** `body` as the rest of an otherwise good event on a table. */
export function event(body: string, head = 'table: article, on: update'): string {
  return `events:\n  a.b: { ${head}, ${body} }\n`
}

export function file(what: string, text: string, ...messages: string[]): BrokenFile {
  return { what, text, messages }
}

/** A file without problems. */
export const GOOD = 'events: { a.b: { table: article, on: insert } }\n'
