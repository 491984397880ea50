import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { atEnd } from '../../support/at-end.ts'
import { guard } from '../../support/guard.ts'

const LISTEN = `
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))`

/**
 * A port of 127.0.0.1 whose kernel drops every SYN, as a firewall does: its process is stopped, and connections that
 * it has not taken fill its queue.
 */
export async function aDeafPort(): Promise<number> {
  const child = spawn(process.execPath, ['-e', LISTEN], { stdio: ['ignore', 'pipe', 'inherit'] })
  const onDeath = guard('kill -9 "$1"', [String(child.pid)])
  const exited = once(child, 'exit')
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const port = Number(line)
  child.kill('SIGSTOP')
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  atEnd(async () => {
    for (const socket of fillers) socket.destroy()
    child.kill('SIGKILL')
    await exited
    onDeath.cancel()
  })
  await Promise.all(fillers.slice(0, 2).map((socket) => once(socket, 'connect')))
  return port
}
