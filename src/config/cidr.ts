import { isIP } from 'node:net'

/** What is wrong with a range such as `10.0.0.0/8` or `2001:db8::/32`, with the fix; null for a good one. */
export function cidrProblem(text: string): string | null {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes('%')) {
    return `"${text}" is not an address range; write one such as 10.0.0.0/8 or 2001:db8::/32`
  }
  const bits = version === 4 ? 32 : 128
  if (prefix === undefined) return `"${text}" is a single address; write "${text}/${bits}"`
  if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits) return null
  return `the prefix of "${text}" must be a number from 0 to ${bits}`
}
