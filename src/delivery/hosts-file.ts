import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

const KEEP_MS = 5000

/** The names of a hosts file, read again when a name is asked for and 5 s have passed. */
export class HostsFile {
  readonly #path: string
  #names: Promise<ReadonlyMap<string, readonly string[]>> | null = null
  #readAt = 0

  constructor(path: string) {
    this.#path = path
  }

  /** The addresses of a name in lower case; none where the file does not list it or cannot be read. */
  async addresses(name: string): Promise<readonly string[]> {
    const now = performance.now()
    if (this.#names === null || now - this.#readAt > KEEP_MS) {
      this.#readAt = now
      this.#names = readFile(this.#path, 'utf8').then(parseHosts, () => new Map<string, readonly string[]>())
    }
    return (await this.#names).get(name) ?? []
  }
}

/** https://man7.org/linux/man-pages/man5/hosts.5.html */
function parseHosts(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (isIP(address) === 0) continue
    for (const alias of aliases) {
      const addresses = names.get(alias.toLowerCase())
      if (addresses === undefined) names.set(alias.toLowerCase(), [address])
      else addresses.push(address)
    }
  }
  return names
}
