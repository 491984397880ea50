import { quoteJson } from './jsonb.ts'
import { UnmappableValue } from './unmappable.ts'

const PAIR = /"([^"\\]*(?:\\[^][^"\\]*)*)"=>(?:"([^"\\]*(?:\\[^][^"\\]*)*)"|NULL)(?:, |$)/y

/**
 * The text of an hstore as a JSON object of strings: `"a"=>"1", "b"=>NULL` -> `{"a":"1","b":null}`. hstore prints its
 * keys in the order of jsonb.
 *
 * https://www.postgresql.org/docs/current/hstore.html#HSTORE-EXTERNAL-REP
 */
export function hstoreToJson(text: string): string {
  let out = '{'
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < text.length) {
    const match = PAIR.exec(text)
    if (!match) throw new UnmappableValue('is a malformed hstore')
    const [, key = '', value] = match
    if (out !== '{') out += ','
    out += `${quoteJson(unescape(key))}:${value === undefined ? 'null' : quoteJson(unescape(value))}`
  }
  return `${out}}`
}

function unescape(text: string): string {
  return text.includes('\\') ? text.replace(/\\([^])/g, '$1') : text
}
