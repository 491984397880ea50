import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, chownSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { childEnvironment } from '../../config/child-environment.ts'
import { HookdError } from '../../errors.ts'
import { clientConfig, withClient } from '../../postgres/connect.ts'
import { pickOsUser } from './os-user.ts'
import { findPrograms, makeReachable } from './programs.ts'

const START_MS = 30_000

/** Makes a cluster in `folder`, starts it and gives the superuser's URL. It ends with the folder's guard. */
export async function startPostgres(folder: string): Promise<string> {
  const programs = await findPrograms()
  const user = pickOsUser()
  const password = randomBytes(12).toString('hex')
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (user.uid !== undefined && user.gid !== undefined) {
    for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid)
  }
  const bin = makeReachable(programs, user, folder)
  const data = join(folder, 'data')
  const options = { ...user, cwd: folder, env: childEnvironment({ LC_ALL: 'C' }) }
  const flags = [
    '--username=postgres',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--no-sync',
  ]
  await promisify(execFile)(join(bin, 'initdb'), ['-D', data, '--no-locale', ...flags], options).catch(explainInit)
  const port = await freePort()
  appendFileSync(join(data, 'postgresql.conf'), settings(folder, port))

  const log = openSync(join(folder, 'postgres.log'), 'a')
  const server = spawn(join(bin, 'postgres'), ['-D', data], {
    ...options,
    detached: true, // Ctrl-C is for this process; the guard ends the server
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  server.unref()
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  const deadline = performance.now() + START_MS
  while (!(await answers(url))) {
    if (server.exitCode === null && server.signalCode === null && performance.now() < deadline) continue
    const said = readFileSync(join(folder, 'postgres.log'), 'utf8').trim()
    throw new HookdError('HOOKD_DEMO_POSTGRES', `the embedded PostgreSQL did not start:\n${said}`)
  }
  return url
}

function settings(folder: string, port: number): string {
  const own = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    wal_level: 'logical',
    shared_buffers: '32MB',
    fsync: 'off',
    max_slot_wal_keep_size: '1GB',
  }
  return Object.entries(own)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('')
}

function explainInit(error: Error & { stderr?: string }): never {
  const said = error.stderr?.trim() || error.message
  throw new HookdError('HOOKD_DEMO_POSTGRES', `the embedded PostgreSQL could not be set up:\n${said}`, { cause: error })
}

async function answers(url: string): Promise<boolean> {
  try {
    await withClient(clientConfig(url, { connectTimeoutMs: 2000 }), (client) => client.query('select 1'))
    return true
  } catch {
    await sleep(50)
    return false
  }
}

/** A port on 127.0.0.1 that nobody listens on. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
