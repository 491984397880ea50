import { isIP } from 'node:net'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** `'127.0.0.1:9464'`, `'[::1]:9464'` or `'9464'` (on 127.0.0.1). Null for anything else. */
export function parseListen(text: string): ListenAddress | null {
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):)?(\d{1,5})$/i.exec(text)
  if (match === null) return null
  const [, ipv6, name, digits] = match
  const port = Number(digits)
  if (port > 65_535 || (ipv6 !== undefined && isIP(ipv6) !== 6)) return null
  return { host: ipv6 ?? name ?? '127.0.0.1', port }
}
