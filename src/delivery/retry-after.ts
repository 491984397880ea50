/** https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7: the form to send, and two that are only accepted. */
const IMF_DATE = /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const RFC_850_DATE = /^\w{6,9}, \d{2}-\w{3}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
const ASCTIME_DATE = /^\w{3} \w{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/**
 * What `Retry-After` asks for, in milliseconds from `now` (epoch milliseconds): `'120'` -> `120000`, a date -> the time
 * until then. 0 for a date that is past; null for anything that is neither seconds nor an HTTP date.
 */
export function parseRetryAfter(text: string, now: number): number | null {
  const value = text.trim()
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = parseHttpDate(value)
  return at === null ? null : Math.max(0, at - now)
}

function parseHttpDate(text: string): number | null {
  let at = Number.NaN
  if (IMF_DATE.test(text) || RFC_850_DATE.test(text)) at = Date.parse(text)
  else if (ASCTIME_DATE.test(text)) at = Date.parse(`${text} GMT`)
  return Number.isNaN(at) ? null : at
}
