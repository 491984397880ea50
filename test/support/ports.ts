import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Finds a port on 127.0.0.1 that nobody listens on.
 *
 * Stays below the range that the kernel gives to outgoing connections (32768 on Linux), so that a server which is
 * stopped and started again finds its port free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const probe = createServer().listen(port, '127.0.0.1')
    try {
      await once(probe, 'listening')
      return port
    } catch {
      // taken: try another one
    } finally {
      probe.close()
    }
  }
}
