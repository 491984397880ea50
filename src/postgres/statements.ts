import { readFileSync } from 'node:fs'

const cache = new Map<string, string>()

/** The text of `sql/<name>.sql`. */
export function statement(name: string): string {
  let text = cache.get(name)
  if (text === undefined) {
    text = readFileSync(new URL(`../../sql/${name}.sql`, import.meta.url), 'utf8')
    cache.set(name, text)
  }
  return text
}

/** The same as a statement that a session parses and plans once; for those that are run all the time. */
export function prepared(name: string): { readonly name: string; readonly text: string } {
  return { name: `hookd_${name}`, text: statement(name) }
}
